// A chunk of whole input records, and the ways to walk it.
//
//   void Map(const millrace::MapInput& input) override {
//     input.ForEachLine([this](std::string_view line) { Emit(line, 1); });
//   }
//
// A line ends with "\n" or "\r\n", which are not part of it; the last line of a file may lack its
// end. Bytes are bytes: NUL and invalid UTF-8 pass through.
#ifndef MILLRACE_MAPREDUCE_MAP_INPUT_H_
#define MILLRACE_MAPREDUCE_MAP_INPUT_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "mapreduce/byte_masks.h"
#include "mapreduce/key_value.h"
#include "mapreduce/record_shape.h"

namespace millrace {

// Where a mapper stands, kept so that an attempt that dies can be blamed on a record, and to show
// that one is alive. It may lie in memory shared with the worker; relaxed stores, no locks.
struct InputCursor {
  std::atomic<const char*> record{nullptr};  // first byte of the current record, in this process
};

// Knows the number of a chunk's first line, or finds it out.
class LineNumberSource {
 public:
  virtual ~LineNumberSource() = default;
  virtual uint64_t FirstLine() = 0;
};

// Where a chunk comes from.
struct ChunkPlace {
  std::string_view file;  // absolute path
  uint64_t offset = 0;    // as in MapInput::offset()
  RecordShape shape;
  uint32_t input = 0;  // as in MapInput::input()
};

class MapInput {
 public:
  // `data` is the chunk that begins at `place` and holds whole records. Without `lines` it begins
  // with the file's first line.
  MapInput(std::string_view data, const ChunkPlace& place, InputCursor* cursor,
           LineNumberSource* lines = nullptr)
      : data_(data), place_(place), cursor_(cursor), lines_(lines) {}

  std::string_view data() const { return data_; }
  // Absolute path of the input file.
  std::string_view file() const { return place_.file; }
  // Position in the file of the first byte of data(). In a compressed file it counts what the
  // file decompresses to, from the beginning of the attempt's piece of it: of the file for certain
  // only with JobDescription::counts_lines.
  uint64_t offset() const { return place_.offset; }
  const RecordShape& shape() const { return place_.shape; }
  // Of which of JobDescription::inputs the file is one; 0 without them.
  uint32_t input() const { return place_.input; }
  // Position in the file of `record`, which lies in data().
  uint64_t OffsetOf(std::string_view record) const {
    return place_.offset + static_cast<uint64_t>(record.data() - data_.data());
  }

  // The number in its file, from 1, of the first line of data(). Lines before the split are counted
  // when somebody asks, so ask only when you need it. In a piece of a compressed file that does not
  // begin it asking fails the job; with JobDescription::counts_lines no piece is such a one.
  uint64_t FirstLine() const { return lines_ == nullptr ? 1 : lines_->FirstLine(); }

  // Calls f(std::string_view line) for each line, without its end.
  template <typename F>
  void ForEachLine(F&& f) const;

  // Calls f(std::string_view word) for each maximal run of bytes that are not ASCII white space
  // (space, \t \n \v \f \r).
  template <typename F>
  void ForEachWord(F&& f) const;

  // Calls f(std::string_view text) for each piece of text: the chunk as it is, or the keys and
  // values of a key/value file one by one.
  template <typename F>
  void ForEachText(F&& f) const;

  // Calls f(std::string_view record) for each record of the input's format, without its
  // terminator: a line, the whole file with --input_format=whole_file, and so on.
  template <typename F>
  void ForEachRecord(F&& f) const;

  // Calls f(std::string_view key, std::string_view value) for each pair: those of a key/value file,
  // else each record divided at its first tab. A record without tab is a key with an empty value.
  template <typename F>
  void ForEachPair(F&& f) const;

  // Says that the mapper is at `record`, which lies in data(). The walks above do it themselves;
  // ForEachWord does it every 64 bytes.
  void Mark(const char* record) const { cursor_->record.store(record, std::memory_order_relaxed); }

 private:
  // Calls f(begin, end) for what each `terminator` ends, and for a rest without one.
  template <typename F>
  void ForEachTerminated(char terminator, F&& f) const;

  template <typename F>
  void ForEachKeyValue(F&& f) const;

  static std::string_view WithoutReturn(const char* begin, const char* end) {
    if (end != begin && end[-1] == '\r') --end;
    return {begin, static_cast<size_t>(end - begin)};
  }

  std::string_view data_;
  ChunkPlace place_;
  InputCursor* cursor_;
  LineNumberSource* lines_;
};

template <typename F>
void MapInput::ForEachTerminated(char terminator, F&& f) const {
  const char* record = data_.data();
  // The padding must be no terminator.
  ForEachBlock(data_, /*padding=*/' ', [&](const char* block, const char* readable, size_t) {
    for (uint64_t ends = MaskOfByte(readable, terminator); ends != 0; ends &= ends - 1) {
      const char* const end = block + __builtin_ctzll(ends);
      Mark(record);
      f(record, end);
      record = end + 1;
    }
  });
  const char* const end = data_.data() + data_.size();
  if (record != end) {  // the last one of a file that does not end with a terminator
    Mark(record);
    f(record, end);
  }
}

template <typename F>
void MapInput::ForEachLine(F&& f) const {
  ForEachTerminated('\n',
                    [&](const char* begin, const char* end) { f(WithoutReturn(begin, end)); });
}

template <typename F>
void MapInput::ForEachText(F&& f) const {
  if (place_.shape.format != InputFormat::kKeyValue) return f(data_);
  ForEachKeyValue([&](std::string_view key, std::string_view value) {
    f(key);
    f(value);
  });
}

template <typename F>
void MapInput::ForEachWord(F&& f) const {
  ForEachText([&](std::string_view text) {
    ForEachRun(
        text, /*padding=*/' ',
        [](const char* readable, const char*, size_t) { return MaskOfWordBytes(readable); }, f,
        [this](const char* block) { Mark(block); });
  });
}

template <typename F>
void MapInput::ForEachRecord(F&& f) const {
  switch (place_.shape.format) {
    case InputFormat::kLines: return ForEachLine(f);
    case InputFormat::kNulSeparated:
      return ForEachTerminated('\0', [&](const char* begin, const char* end) {
        f(std::string_view(begin, static_cast<size_t>(end - begin)));
      });
    case InputFormat::kFixedSize:
      for (size_t at = 0; at < data_.size(); at += place_.shape.record_bytes) {
        Mark(data_.data() + at);
        f(data_.substr(at, place_.shape.record_bytes));
      }
      return;
    case InputFormat::kKeyValue:
      return ForEachKeyValue([&](std::string_view, std::string_view value) { f(value); });
    case InputFormat::kWholeFile: Mark(data_.data()); return f(data_);
  }
}

template <typename F>
void MapInput::ForEachKeyValue(F&& f) const {
  for (KeyValueWalk walk(data_); walk.Next();) {
    Mark(walk.record());
    f(walk.key(), walk.value());
  }
}

template <typename F>
void MapInput::ForEachPair(F&& f) const {
  if (place_.shape.format == InputFormat::kKeyValue) return ForEachKeyValue(f);
  ForEachRecord([&](std::string_view record) {
    const size_t tab = std::min(record.find('\t'), record.size());
    f(record.substr(0, tab), record.substr(std::min(tab + 1, record.size())));
  });
}

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_MAP_INPUT_H_
