// The words that begin in a range of a file, read in pieces of about a MiB that cut no word.
#ifndef MILLRACE_TESTS_BENCH_FLOOR_TEXT_SPLIT_H_
#define MILLRACE_TESTS_BENCH_FLOOR_TEXT_SPLIT_H_

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "tests/bench/floor/files.h"
#include "tests/bench/floor/run_file.h"

namespace floor_bench {

// Keeps its buffer for the next split.
template <typename Tokens>
class TextSplit {
 public:
  // Calls visit(text) for all pieces; `text` is readable for kReadableBytes more.
  template <typename Visit>
  void ForEachPiece(const File& file, uint64_t begin, uint64_t end, Visit visit) {
    // With the byte before, one sees whether the first word begins in the split before.
    position_ = begin == 0 ? 0 : begin - 1;
    held_ = 0;
    bool in_word_before = begin != 0;
    bool more = true;
    while (more) {
      more = Read(file, end);
      size_t size = more ? AfterLastSeparator() : held_;
      size_t first = 0;
      if (in_word_before) first = FirstSeparator(size);
      in_word_before = in_word_before && first == size;
      visit(std::string_view(buffer_.data() + first, size - first));
      std::memmove(buffer_.data(), buffer_.data() + size, held_ - size);
      held_ -= size;
    }
  }

 private:
  static constexpr size_t kPieceBytes = 1 << 20;
  static constexpr size_t kTailBytes = 4 << 10;  // read at once behind the end of a split

  // Reads the next piece; false if the last word of the split is complete with it.
  bool Read(const File& file, uint64_t end) {
    if (position_ < end) {
      const size_t got = Fill(file, std::min<uint64_t>(kPieceBytes, end - position_));
      if (got == 0) return false;
      if (position_ < end) return true;
    }
    while (held_ != 0 && !Tokens::IsSeparator(buffer_[held_ - 1])) {
      const size_t before = held_;
      if (Fill(file, kTailBytes) == 0) break;
      held_ = before + FirstSeparator(held_ - before, before);
      if (held_ < before + kTailBytes) break;
    }
    return false;
  }

  size_t Fill(const File& file, size_t size) {
    if (buffer_.size() < held_ + size + kReadableBytes) {
      buffer_.resize(2 * held_ + size + kReadableBytes);
    }
    const size_t got = file.ReadAt(position_, buffer_.data() + held_, size);
    position_ += got;
    held_ += got;
    return got;
  }

  size_t FirstSeparator(size_t size, size_t from = 0) const {
    const char* text = buffer_.data() + from;
    return static_cast<size_t>(std::find_if(text, text + size, Tokens::IsSeparator) - text);
  }
  size_t AfterLastSeparator() const {
    size_t size = held_;
    while (size != 0 && !Tokens::IsSeparator(buffer_[size - 1])) --size;
    return size;
  }

  std::string buffer_;
  size_t held_ = 0;
  uint64_t position_ = 0;
};

}  // namespace floor_bench

#endif  // MILLRACE_TESTS_BENCH_FLOOR_TEXT_SPLIT_H_
