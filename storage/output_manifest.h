// The content of OUTPUT/_SUCCESS: what a finished job has written, as JSON.
//
//   {
//     "format": 1,
//     "job": "job-3-0123abcd",
//     "name": "wordcount",
//     "bytes": 42,
//     "parts": [
//       {"name": "part-00000-of-00001", "bytes": 42, "digest": "99aa06d3014798d86001c324468d497f"}
//     ]
//   }
//
// Digests are XXH3-128 of the part's bytes (`xxh128sum` prints the same). Pure functions.
#ifndef MILLRACE_STORAGE_OUTPUT_MANIFEST_H_
#define MILLRACE_STORAGE_OUTPUT_MANIFEST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/digest.h"

namespace millrace {

struct ManifestPart {
  std::string name;
  uint64_t bytes = 0;
  Digest digest;
};

struct OutputManifest {
  std::string job_key;
  std::string job_name;
  std::vector<ManifestPart> parts;
};

std::string ToJson(const OutputManifest& manifest);

// Whether `json` is the manifest of this job.
bool IsManifestOf(std::string_view json, std::string_view job_key);
// The key of the job whose manifest `json` is; empty if it is none.
std::string JobKeyIn(std::string_view json);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_OUTPUT_MANIFEST_H_
