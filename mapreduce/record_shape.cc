#include "mapreduce/record_shape.h"

#include <algorithm>

#include "mapreduce/byte_masks.h"
#include "mapreduce/key_value.h"

namespace millrace {

size_t FirstRecordBytes(const RecordShape& shape, std::string_view data) {
  switch (shape.format) {
    case InputFormat::kLines:
    case InputFormat::kNulSeparated: {
      const size_t end = data.find(shape.terminator());
      return end == std::string_view::npos ? data.size() : end + 1;
    }
    case InputFormat::kFixedSize: return std::min<size_t>(shape.record_bytes, data.size());
    case InputFormat::kKeyValue: {
      KeyValueWalk walk(data);
      return walk.Next() ? data.size() - walk.rest() : data.size();
    }
    case InputFormat::kWholeFile: break;
  }
  return data.size();
}

uint64_t CountRecords(const RecordShape& shape, std::string_view data) {
  if (data.empty()) return 0;
  switch (shape.format) {
    case InputFormat::kLines:
    case InputFormat::kNulSeparated: {
      const bool ended = data.back() == shape.terminator();
      return CountByte(data, shape.terminator()) + (ended ? 0 : 1);
    }
    case InputFormat::kFixedSize: return data.size() / shape.record_bytes;
    case InputFormat::kKeyValue: {
      uint64_t count = 0;
      for (KeyValueWalk walk(data); walk.Next();) ++count;
      return count;
    }
    case InputFormat::kWholeFile: break;
  }
  return 1;
}

}  // namespace millrace
