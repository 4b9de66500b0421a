#include "storage/skipped_records.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace millrace {

std::string SkippedRecordsText(const std::vector<InputRecord>& records) {
  std::string text;
  for (const InputRecord& record : records) {
    absl::StrAppend(&text, absl::Utf8SafeCEscape(record.file), ":", record.offset, "\t",
                    record.bytes, "\n");
  }
  return text;
}

}  // namespace millrace
