#include "storage/chunk_buffer.h"

#include <string.h>

#include <algorithm>
#include <new>
#include <utility>

namespace millrace {

void ChunkBuffer::Clear(uint64_t position) {
  slack_is_saved_ = false;
  position_ = position;
  begin_ = end_ = 0;
}

char* ChunkBuffer::Reserve(size_t length) {
  Compact();
  if (end_ + length > capacity_) {
    const size_t capacity =
        std::max({end_ + length, first_bytes_, std::min(2 * capacity_, largest_bytes_)});
    // malloc instead of a vector: the bytes are about to be overwritten.
    std::unique_ptr<char, Free> larger(static_cast<char*>(std::malloc(capacity + kSlackBytes)));
    if (larger == nullptr) throw std::bad_alloc();
    if (end_ > 0) memcpy(larger.get(), bytes_.get(), end_);
    bytes_ = std::move(larger);
    capacity_ = capacity;
  }
  return bytes_.get() + end_;
}

void ChunkBuffer::Compact() {
  if (begin_ == 0) return;
  if (end_ > begin_) memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
  position_ += begin_;
  end_ -= begin_;
  begin_ = 0;
}

std::optional<uint64_t> ChunkBuffer::Find(char byte, uint64_t from, uint64_t to) const {
  if (from >= to) return std::nullopt;
  const char* const data = bytes_.get();
  const void* const found = memchr(data + (from - position_), byte, to - from);
  if (found == nullptr) return std::nullopt;
  return position_ + static_cast<uint64_t>(static_cast<const char*>(found) - data);
}

std::optional<uint64_t> ChunkBuffer::FindLast(char byte, uint64_t from, uint64_t to) const {
  if (from >= to) return std::nullopt;
  const char* const data = bytes_.get();
  const void* const found = memrchr(data + (from - position_), byte, to - from);
  if (found == nullptr) return std::nullopt;
  return position_ + static_cast<uint64_t>(static_cast<const char*>(found) - data);
}

void ChunkBuffer::HandOut(uint64_t cut, InputChunk* chunk) {
  const size_t end = cut - position_;
  chunk->data = std::string_view(bytes_.get() + begin_, end - begin_);
  chunk->offset = begin();
  begin_ = end;
  saved_at_ = end;
  memcpy(saved_, bytes_.get() + end, kSlackBytes);
  memset(bytes_.get() + end, 0, kSlackBytes);
  slack_is_saved_ = true;
}

void ChunkBuffer::TakeBack() {
  if (!slack_is_saved_) return;
  memcpy(bytes_.get() + saved_at_, saved_, kSlackBytes);
  slack_is_saved_ = false;
}

}  // namespace millrace
