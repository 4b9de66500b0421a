// How the pairs of a job become the bytes of its parts.
#ifndef MILLRACE_MAPREDUCE_OUTPUT_SHAPE_H_
#define MILLRACE_MAPREDUCE_OUTPUT_SHAPE_H_

#include <cstdint>

namespace millrace {

enum class OutputFormat : uint8_t {
  kText = 0,          // key<TAB>value<LF>
  kNulSeparated = 1,  // key<TAB>value<NUL>
  kKeyValue = 2,      // as input of format key_value takes it; see docs/formats.md
  kRecords = 3,       // key and value one after the other, with nothing between them
  // Values as the records of the input: in kText, kNulSeparated or kKeyValue. Of records of a fixed
  // size, key and value are the halves, and are put together again: kRecords.
  kLikeInput = 4,
};

struct OutputShape {
  OutputFormat format = OutputFormat::kText;
  // false: values only. Without effect on kKeyValue.
  bool keys = true;
  // Write tab, line end, carriage return, NUL and backslash as \t, \n, \r, \0 and \\. Otherwise a
  // key or a value that would read as something else fails the job.
  bool escape = false;
  bool zstd = false;
  // Keys may hold tabs as they are: whoever reads the text knows how many fields are the key.
  bool keys_have_fields = false;

  friend bool operator==(const OutputShape& a, const OutputShape& b) {
    return a.format == b.format && a.keys == b.keys && a.escape == b.escape && a.zstd == b.zstd &&
           a.keys_have_fields == b.keys_have_fields;
  }
};

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_OUTPUT_SHAPE_H_
