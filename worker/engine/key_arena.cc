#include "worker/engine/key_arena.h"

namespace millrace {

void KeyArena::NextChunk(size_t bytes) {
  if (bytes > chunk_bytes_) {
    // On its own; the chunk in use, if any, is given up: such keys are rare.
    large_.emplace_back(bytes);
    memory_bytes_ += large_.back().size();
    next_ = large_.back().as<char>();
    end_ = next_ + bytes;
    return;
  }
  if (used_chunks_ == chunks_.size()) {
    chunks_.emplace_back(chunk_bytes_);
    memory_bytes_ += chunks_.back().size();
  }
  next_ = chunks_[used_chunks_++].as<char>();
  end_ = next_ + chunk_bytes_;
}

void KeyArena::Clear() {
  for (const HugeBuffer& buffer : large_) memory_bytes_ -= buffer.size();
  large_.clear();
  used_chunks_ = 0;
  used_bytes_ = 0;
  next_ = end_ = nullptr;
}

}  // namespace millrace
