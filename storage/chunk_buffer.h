// The memory between an input file and a mapper: bytes go in at the end, whole records come out at
// the front, and the incomplete one behind them moves to the front before the next read.
//
//   char* room = buffer.Reserve(length);
//   ... read up to `length` bytes into it ...
//   buffer.Grow(read);
//   buffer.HandOut(cut, &chunk);    // everything up to position `cut`
//
// Positions are those of the input: the first byte that goes in has the one given to Clear. One
// thread.
#ifndef MILLRACE_STORAGE_CHUNK_BUFFER_H_
#define MILLRACE_STORAGE_CHUNK_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

namespace millrace {

// Whole records of one file: at least one.
struct InputChunk {
  std::string_view data;
  uint64_t offset = 0;  // in the file, of the first byte of `data`
};

class ChunkBuffer {
 public:
  // This many bytes after a chunk may be read, and are zero: a scanner need not stop at the end.
  static constexpr size_t kSlackBytes = 64;

  // Gets room for `first_bytes` at once when it needs any, and grows to `largest_bytes` by
  // doubling; more only when a caller asks for more.
  ChunkBuffer(size_t first_bytes, size_t largest_bytes)
      : first_bytes_(first_bytes), largest_bytes_(largest_bytes) {}
  ChunkBuffer(const ChunkBuffer&) = delete;
  ChunkBuffer& operator=(const ChunkBuffer&) = delete;

  // Forgets everything; the next byte that goes in has `position`.
  void Clear(uint64_t position);

  // Room for `length` more bytes.
  char* Reserve(size_t length);
  void Grow(size_t length) { end_ += length; }

  // Where what is left begins and ends.
  uint64_t begin() const { return position_ + begin_; }
  uint64_t end() const { return position_ + end_; }
  size_t size() const { return end_ - begin_; }

  // Position of the first (last) `byte` in [from, to), a part of what is left.
  std::optional<uint64_t> Find(char byte, uint64_t from, uint64_t to) const;
  std::optional<uint64_t> FindLast(char byte, uint64_t from, uint64_t to) const;

  // Drops what lies before `position`.
  void Skip(uint64_t position) { begin_ = position - position_; }

  // Hands out what lies before `cut`. The chunk is valid until the next call of TakeBack, which
  // must come before any other.
  void HandOut(uint64_t cut, InputChunk* chunk);
  void TakeBack();

 private:
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };

  void Compact();

  const size_t first_bytes_;
  const size_t largest_bytes_;
  std::unique_ptr<char, Free> bytes_;
  size_t capacity_ = 0;    // without the slack
  uint64_t position_ = 0;  // of bytes_[0]
  size_t begin_ = 0;
  size_t end_ = 0;

  // The bytes after the chunk that was handed out, which are zero meanwhile.
  char saved_[kSlackBytes];
  size_t saved_at_ = 0;
  bool slack_is_saved_ = false;
};

}  // namespace millrace

#endif  // MILLRACE_STORAGE_CHUNK_BUFFER_H_
