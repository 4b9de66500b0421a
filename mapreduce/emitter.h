// Takes the pairs of a mapper and hands them to the engine in batches.
//
// Emit is called tens of millions of times a second, so it is inline and not virtual: a key of at
// most 15 bytes becomes two words and a hash in a queue of 32, a longer one a pointer and a hash in
// a queue of 16. A full queue goes to the engine at once, which can then fetch the memory of many
// hash table slots at the same time. In a job without aggregate there is no queue: each pair goes
// to EmitSink::EmitPair.
//
// Authors of jobs do not see this class: they call Mapper::Emit. One thread.
#ifndef MILLRACE_MAPREDUCE_EMITTER_H_
#define MILLRACE_MAPREDUCE_EMITTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "mapreduce/short_key.h"

namespace millrace {

struct ShortPair {
  ShortKey key;
  uint64_t hash;  // HashShortKey(key)
  int64_t value;
};

struct LongPair {
  const char* data;  // valid during the call of DrainLong
  size_t size;       // more than kShortKeyBytes
  uint64_t hash;     // HashBytes(key)
  int64_t value;

  std::string_view key() const { return {data, size}; }
};

// The engine's end of an Emitter.
class EmitSink {
 public:
  virtual ~EmitSink() = default;
  virtual void DrainShort(const ShortPair* pairs, int count) = 0;
  virtual void DrainLong(const LongPair* pairs, int count) = 0;
  virtual void EmitPair(std::string_view key, std::string_view value) = 0;
  // Pairs from here on are not folded with those before.
  virtual void EndTotals() {}
  // The same for a part that the mapper has chosen. Where there are no parts it makes no
  // difference.
  virtual void EmitPairTo(uint32_t part, std::string_view key, std::string_view value) {
    EmitPair(key, value);
  }
};

// XXH3-64 with seed 0: the hash of long keys.
uint64_t HashBytes(std::string_view bytes);

// What the values of a job are.
enum class ValueForm : uint8_t {
  kNumbers,  // 64-bit integers for a declared aggregate
  kStrings,  // byte strings; an integer travels as its decimal text
};

class Emitter {
 public:
  static constexpr int kShortBatch = 32;
  static constexpr int kLongBatch = 16;

  // `sink` must outlive this object.
  Emitter(ValueForm form, EmitSink* sink)
      : sink_(sink), short_limit_(form == ValueForm::kNumbers ? kShortKeyBytes + 1 : 0) {}
  Emitter(const Emitter&) = delete;
  Emitter& operator=(const Emitter&) = delete;

  // Says where the current chunk lies: keys inside it stay valid until the next BeginChunk, so they
  // are not copied. At least 16 readable bytes must follow the chunk.
  void BeginChunk(std::string_view chunk) {
    Flush();
    chunk_begin_ = reinterpret_cast<uintptr_t>(chunk.data());
    chunk_size_ = chunk.size();
  }

  void Emit(std::string_view key, int64_t value) {
    if (key.size() >= short_limit_) return EmitLong(key, value);
    ShortPair& pair = short_[short_count_];
    const char* data = key.data();
    // Hides from the compiler where a literal key ends: it would warn of a read that never happens.
    asm("" : "+r"(data));
    pair.key = InChunk(key) ? PackShortKeyWithSlack(data, key.size()) : PackShortKey(key);
    pair.hash = HashShortKey(pair.key);
    pair.value = value;
    if (++short_count_ == kShortBatch) FlushShort();
  }

  void Emit(std::string_view key, std::string_view value);
  void EmitTo(uint32_t part, std::string_view key, std::string_view value);

  void EmitTotals() {
    Flush();
    sink_->EndTotals();
  }

  // Hands everything queued to the sink.
  void Flush();

  // Fails the attempt with this message; pairs emitted later are dropped. The first call counts.
  void Fail(absl::Status status);
  const absl::Status& status() const { return status_; }

 private:
  // Copies of long keys that lie outside the chunk; a full one is flushed.
  static constexpr size_t kCopyBytes = 64 << 10;

  bool InChunk(std::string_view key) const {
    return reinterpret_cast<uintptr_t>(key.data()) - chunk_begin_ < chunk_size_;
  }
  bool TakesStrings();
  void EmitLong(std::string_view key, int64_t value);
  // Returns where the bytes of `key` stay valid until the queue is flushed.
  const char* Keep(std::string_view key);
  void FlushShort();
  void FlushLong();

  EmitSink* const sink_;
  const size_t short_limit_;  // keys below this many bytes go to the short queue
  uintptr_t chunk_begin_ = 0;
  size_t chunk_size_ = 0;
  int short_count_ = 0;
  int long_count_ = 0;
  size_t copied_ = 0;  // bytes of copies_ in use
  std::unique_ptr<char[]> copies_;
  absl::Status status_;
  ShortPair short_[kShortBatch];
  LongPair long_[kLongBatch];
};

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_EMITTER_H_
