// Keeps the bytes of keys at fixed addresses until it is cleared, in chunks that it keeps for the
// next use. One thread.
#ifndef MILLRACE_WORKER_ENGINE_KEY_ARENA_H_
#define MILLRACE_WORKER_ENGINE_KEY_ARENA_H_

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "worker/engine/huge_buffer.h"

namespace millrace {

class KeyArena {
 public:
  // Chunks have `chunk_bytes` each.
  explicit KeyArena(size_t chunk_bytes) : chunk_bytes_(chunk_bytes) {}

  // Copies `key`; the address is valid until Clear.
  const char* Copy(std::string_view key) {
    if (key.size() > static_cast<size_t>(end_ - next_)) NextChunk(key.size());
    char* copy = next_;
    std::memcpy(copy, key.data(), key.size());
    next_ += key.size();
    used_bytes_ += key.size();
    return copy;
  }

  // Bytes that Copy would have to ask the kernel for, at most.
  uint64_t BytesToGrow(uint64_t key_bytes) const {
    if (key_bytes <= static_cast<size_t>(end_ - next_)) return 0;
    if (key_bytes <= chunk_bytes_ && used_chunks_ < chunks_.size()) return 0;
    return key_bytes < chunk_bytes_ ? chunk_bytes_ : key_bytes;
  }

  // Forgets all keys; keeps the chunks of usual size.
  void Clear();

  // Of all keys.
  uint64_t used_bytes() const { return used_bytes_; }
  uint64_t memory_bytes() const { return memory_bytes_; }

 private:
  void NextChunk(size_t bytes);

  const size_t chunk_bytes_;
  std::vector<HugeBuffer> chunks_;  // one size; the first used_chunks_ hold keys
  size_t used_chunks_ = 0;
  std::vector<HugeBuffer> large_;  // one key each
  uint64_t used_bytes_ = 0;
  uint64_t memory_bytes_ = 0;
  char* next_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_KEY_ARENA_H_
