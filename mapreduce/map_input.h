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

#include <atomic>
#include <cstdint>
#include <string_view>

#include "mapreduce/byte_masks.h"

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

class MapInput {
 public:
  // `data` is `file[offset, offset + data.size())` and holds whole records. Without `lines` it
  // begins with the file's first line.
  MapInput(std::string_view data, std::string_view file, uint64_t offset, bool whole_file,
           InputCursor* cursor, LineNumberSource* lines = nullptr)
      : data_(data),
        file_(file),
        offset_(offset),
        whole_file_(whole_file),
        cursor_(cursor),
        lines_(lines) {}

  std::string_view data() const { return data_; }
  // Absolute path of the input file.
  std::string_view file() const { return file_; }
  // Whether data() is a whole file, with --input_format=whole_file.
  bool whole_file() const { return whole_file_; }
  // Position in the file of the first byte of data().
  uint64_t offset() const { return offset_; }
  // Position in the file of `record`, which lies in data().
  uint64_t OffsetOf(std::string_view record) const {
    return offset_ + static_cast<uint64_t>(record.data() - data_.data());
  }

  // The number in its file, from 1, of the first line of data(). Lines before the split are counted
  // when somebody asks, so ask only when you need it.
  uint64_t FirstLine() const { return lines_ == nullptr ? 1 : lines_->FirstLine(); }

  // Calls f(std::string_view line) for each line, without its end.
  template <typename F>
  void ForEachLine(F&& f) const;

  // Calls f(std::string_view word) for each maximal run of bytes that are not ASCII white space
  // (space, \t \n \v \f \r).
  template <typename F>
  void ForEachWord(F&& f) const;

  // Calls f(std::string_view record): a line, or the whole file with --input_format=whole_file.
  template <typename F>
  void ForEachRecord(F&& f) const;

  // Says that the mapper is at `record`, which lies in data(). The walks above do it themselves;
  // ForEachWord does it every 64 bytes.
  void Mark(const char* record) const { cursor_->record.store(record, std::memory_order_relaxed); }

 private:
  static std::string_view WithoutReturn(const char* begin, const char* end) {
    if (end != begin && end[-1] == '\r') --end;
    return {begin, static_cast<size_t>(end - begin)};
  }

  std::string_view data_;
  std::string_view file_;
  uint64_t offset_;
  bool whole_file_;
  InputCursor* cursor_;
  LineNumberSource* lines_;
};

template <typename F>
void MapInput::ForEachLine(F&& f) const {
  const char* line = data_.data();
  ForEachBlock(data_, /*padding=*/' ', [&](const char* block, const char* readable, size_t) {
    for (uint64_t ends = MaskOfByte(readable, '\n'); ends != 0; ends &= ends - 1) {
      const char* const end = block + __builtin_ctzll(ends);
      Mark(line);
      f(WithoutReturn(line, end));
      line = end + 1;
    }
  });
  const char* const end = data_.data() + data_.size();
  if (line != end) {  // the last line of a file without a final newline
    Mark(line);
    f(WithoutReturn(line, end));
  }
}

template <typename F>
void MapInput::ForEachWord(F&& f) const {
  ForEachRun(
      data_, /*padding=*/' ',
      [](const char* readable, const char*, size_t) { return MaskOfWordBytes(readable); }, f,
      [this](const char* block) { Mark(block); });
}

template <typename F>
void MapInput::ForEachRecord(F&& f) const {
  if (!whole_file_) return ForEachLine(f);
  Mark(data_.data());
  f(data_);
}

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_MAP_INPUT_H_
