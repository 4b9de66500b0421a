#include "mapreduce/emitter.h"

#include <charconv>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace {

uint64_t HashBytes(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

bool Emitter::TakesStrings() {
  if (short_limit_ != 0) {
    Fail(absl::AbortedError(
        "the mapper emitted a string value, but the job declares an aggregate, which needs "
        "integers: call Emit(key, int64_t), or set JobDescription::aggregate to kNone"));
  }
  return status_.ok();
}

void Emitter::Emit(std::string_view key, std::string_view value) {
  if (TakesStrings()) sink_->EmitPair(key, value);
}

void Emitter::EmitTo(uint32_t part, std::string_view key, std::string_view value) {
  if (TakesStrings()) sink_->EmitPairTo(part, key, value);
}

void Emitter::EmitLong(std::string_view key, int64_t value) {
  if (!status_.ok()) return;
  if (short_limit_ == 0) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
    return sink_->EmitPair(key, std::string_view(digits, end - digits));
  }
  const uint64_t hash = HashBytes(key);
  if (!InChunk(key) && key.size() > kCopyBytes) {  // too long to keep: it goes at once
    FlushLong();
    const LongPair pair = {key.data(), key.size(), hash, value};
    return sink_->DrainLong(&pair, 1);
  }
  const char* data = InChunk(key) ? key.data() : Keep(key);
  long_[long_count_++] = {data, key.size(), hash, value};
  if (long_count_ == kLongBatch) FlushLong();
}

const char* Emitter::Keep(std::string_view key) {
  if (copies_ == nullptr) copies_ = std::make_unique<char[]>(kCopyBytes);
  if (copied_ + key.size() > kCopyBytes) FlushLong();
  char* copy = copies_.get() + copied_;
  std::memcpy(copy, key.data(), key.size());
  copied_ += key.size();
  return copy;
}

void Emitter::Flush() {
  FlushShort();
  FlushLong();
}

void Emitter::FlushShort() {
  if (short_count_ > 0 && status_.ok()) sink_->DrainShort(short_, short_count_);
  short_count_ = 0;
}

void Emitter::FlushLong() {
  if (long_count_ > 0 && status_.ok()) sink_->DrainLong(long_, long_count_);
  long_count_ = 0;
  copied_ = 0;
}

void Emitter::Fail(absl::Status status) {
  if (status_.ok()) status_ = std::move(status);
}

}  // namespace millrace
