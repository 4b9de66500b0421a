// How the bytes of an input file divide into records.
#ifndef MILLRACE_MAPREDUCE_RECORD_SHAPE_H_
#define MILLRACE_MAPREDUCE_RECORD_SHAPE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millrace {

enum class InputFormat : uint8_t {
  kLines = 0,         // one record a line; it ends with "\n" or "\r\n", the last one may lack that
  kWholeFile = 1,     // one record a file
  kNulSeparated = 2,  // records end with a NUL byte, the last one may lack it
  kFixedSize = 3,     // records of record_bytes each
  kKeyValue = 4,      // pairs, in files of the format that docs/formats.md describes
};
constexpr int kInputFormatCount = 5;

struct RecordShape {
  InputFormat format = InputFormat::kLines;
  uint32_t record_bytes = 0;  // with kFixedSize

  // Whether records end with a byte that says so, and which.
  bool terminated() const {
    return format == InputFormat::kLines || format == InputFormat::kNulSeparated;
  }
  char terminator() const { return format == InputFormat::kLines ? '\n' : '\0'; }
  bool whole_file() const { return format == InputFormat::kWholeFile; }

  friend bool operator==(const RecordShape& a, const RecordShape& b) {
    return a.format == b.format && a.record_bytes == b.record_bytes;
  }
};

// Size of the first record of `data`, with its terminator. `data` holds whole records, at least
// one.
size_t FirstRecordBytes(const RecordShape& shape, std::string_view data);

// How many records `data` holds.
uint64_t CountRecords(const RecordShape& shape, std::string_view data);

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_RECORD_SHAPE_H_
