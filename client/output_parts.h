// The parts of an output that is in place, one after the other: for `millrace cat` and
// --output_merged. Blocks on the file system.
#ifndef MILLRACE_CLIENT_OUTPUT_PARTS_H_
#define MILLRACE_CLIENT_OUTPUT_PARTS_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "storage/file_system.h"

namespace millrace {

using ByteSink = std::function<absl::Status(std::string_view bytes)>;

// The output of one job, which a later one may replace at any time.
struct PublishedOutput {
  std::string folder;
  std::string job_key;  // as in its manifest; empty: whoever published there
};

// Hands the content of all parts to `sink`, in the order of their names, decompressed; that of
// key/value files as one key/value file. kNotFound when there is no complete output in the folder,
// kFailedPrecondition, naming the other job, when it was replaced before the last part was read:
// then what the sink has got is worth nothing. Other errors are those of reading, and of the sink.
absl::Status ReadParts(FileSystem& fs, const PublishedOutput& output, const ByteSink& sink);

// Makes `file` of the same, but compressed parts are not decompressed for a file whose name says
// that it is compressed (.zst). `file` has its old content, or none, until the new one is complete;
// if it is a symbolic link that goes for the file that it names. Errors as above.
absl::Status MergeParts(FileSystem& fs, const PublishedOutput& output, const std::string& file);

// Whether that could begin, asked before there is an output. Leaves nothing behind.
absl::Status TryMerging(FileSystem& fs, const std::string& file);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_OUTPUT_PARTS_H_
