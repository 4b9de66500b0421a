// A chunk of whole input records, and the ways to walk it.
//
// A line ends with "\n" or "\r\n", which are not part of it; the last line of a file may lack its
// end. Bytes are bytes: NUL and invalid UTF-8 pass through.
#ifndef MILLRACE_MAPREDUCE_MAP_INPUT_H_
#define MILLRACE_MAPREDUCE_MAP_INPUT_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace millrace {

// Where a mapper stands, kept so that an attempt that dies can be blamed on a record. It may lie in
// memory shared with the worker; plain stores, no locks: the reader looks when the writer is dead.
struct InputCursor {
  volatile const char* record = nullptr;  // first byte of the current record, in this process
};

class MapInput {
 public:
  // `data` is `file[offset, offset + data.size())` and holds whole records.
  MapInput(std::string_view data, std::string_view file, uint64_t offset, bool whole_file,
           InputCursor* cursor)
      : data_(data), file_(file), offset_(offset), whole_file_(whole_file), cursor_(cursor) {}

  std::string_view data() const { return data_; }
  // Absolute path of the input file.
  std::string_view file() const { return file_; }
  // Position in the file of the first byte of data().
  uint64_t offset() const { return offset_; }

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

  // Says that the mapper is at `record`, which lies in data(). The walks above do it themselves.
  void Mark(const char* record) const { cursor_->record = record; }

 private:
  std::string_view data_;
  std::string_view file_;
  uint64_t offset_;
  bool whole_file_;
  InputCursor* cursor_;
};

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_MAP_INPUT_H_
