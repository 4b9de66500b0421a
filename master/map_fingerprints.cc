#include "master/map_fingerprints.h"

#include "storage/fields_digest.h"
#include "storage/run_format.h"

namespace millrace {

std::vector<Digest> MapFingerprints(const JobSpec& spec, const std::vector<InputSplit>& splits) {
  std::vector<Digest> fingerprints;
  if (!spec.map_identity.has_value()) return fingerprints;
  fingerprints.reserve(splits.size());
  for (const InputSplit& split : splits) {
    FieldsDigest fields;
    fields.Add(uint64_t{kRunFormatVersion});
    fields.Add(*spec.map_identity);
    fields.Add(uint64_t{spec.reducers});
    fields.Add(static_cast<uint64_t>(spec.input_format));
    for (const std::string& key : spec.split_keys) fields.Add(key);
    for (const FileRange& range : split) {
      fields.Add(range.file.path);
      fields.Add(range.file.size);
      fields.Add(static_cast<uint64_t>(range.file.mtime_ns));
      fields.Add(static_cast<uint64_t>(range.file.compression));
      fields.Add(uint64_t{range.file.input});
      fields.Add(range.offset);
      fields.Add(range.length);
    }
    fingerprints.push_back(fields.Finish());
  }
  return fingerprints;
}

}  // namespace millrace
