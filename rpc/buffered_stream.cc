#include "rpc/buffered_stream.h"

#include <glog/logging.h>
#include <kj/exception.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace millrace {

BufferedStream::~BufferedStream() noexcept(false) {
  const bool in_the_middle = !leaving_.empty();
  flush_ = nullptr;
  if (gathered_.empty() || in_the_middle || failure_ != nullptr) return;
  // A socket takes at once what fits; there is nobody to wait for the rest.
  const auto failure = kj::runCatchingExceptions(
      [this]() { kj::Promise<void> rest = inner_->write(gathered_.data(), gathered_.size()); });
  KJ_IF_MAYBE (e, failure) LOG(INFO) << "last words: " << e->getDescription().cStr();
}

// --- Reading ---

kj::Promise<size_t> BufferedStream::tryRead(void* buffer, size_t min_bytes, size_t max_bytes) {
  auto* const bytes = static_cast<kj::byte*>(buffer);
  const size_t taken = TakeReadAhead(bytes, max_bytes);
  if (taken >= min_bytes) return taken;
  const size_t missing = min_bytes - taken;
  if (missing >= kReadAheadBytes) {
    return inner_->tryRead(bytes + taken, missing, max_bytes - taken).then([taken](size_t count) {
      return taken + count;
    });
  }
  if (read_ahead_ == nullptr) read_ahead_ = kj::heapArray<kj::byte>(kReadAheadBytes);
  return inner_->tryRead(read_ahead_.begin(), missing, kReadAheadBytes)
      .then([this, bytes, taken, max_bytes](size_t count) {
        read_begin_ = 0;
        read_end_ = count;
        return taken + TakeReadAhead(bytes + taken, max_bytes - taken);
      });
}

size_t BufferedStream::TakeReadAhead(void* buffer, size_t max_bytes) {
  const size_t count = std::min(read_end_ - read_begin_, max_bytes);
  if (count > 0) memcpy(buffer, read_ahead_.begin() + read_begin_, count);
  read_begin_ += count;
  return count;
}

// --- Writing ---

kj::Promise<void> BufferedStream::write(const void* buffer, size_t size) {
  KJ_IF_MAYBE (failure, failure_) return kj::cp(*failure);
  if (Gather(size)) {
    gathered_.append(static_cast<const char*>(buffer), size);
    return kj::READY_NOW;
  }
  return Flushed().then([this, buffer, size]() { return inner_->write(buffer, size); });
}

kj::Promise<void> BufferedStream::write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) {
  KJ_IF_MAYBE (failure, failure_) return kj::cp(*failure);
  size_t size = 0;
  for (const auto& piece : pieces) size += piece.size();
  if (Gather(size)) {
    for (const auto& piece : pieces) {
      gathered_.append(reinterpret_cast<const char*>(piece.begin()), piece.size());
    }
    return kj::READY_NOW;
  }
  return Flushed().then([this, pieces]() { return inner_->write(pieces); });
}

// Whether so much may be gathered, and sees to it that it leaves.
bool BufferedStream::Gather(size_t size) {
  if (gathered_.size() + size > kGatheredBytesMax) return false;
  if (flushes_) return true;
  flushes_ = true;
  flush_ = kj::evalLast([this]() { return WriteGathered(); }).fork();
  return true;
}

kj::Promise<void> BufferedStream::Flushed() {
  if (!flushes_) return kj::READY_NOW;
  return flush_.addBranch();
}

kj::Promise<void> BufferedStream::WriteGathered() {
  leaving_.clear();
  if (gathered_.empty()) {
    flushes_ = false;
    if (shut_) inner_->shutdownWrite();
    return kj::READY_NOW;
  }
  std::swap(leaving_, gathered_);
  return inner_->write(leaving_.data(), leaving_.size())
      .then([this]() { return WriteGathered(); },
            [this](kj::Exception&& e) -> kj::Promise<void> {
              flushes_ = false;
              failure_ = kj::cp(e);
              return kj::mv(e);
            });
}

void BufferedStream::shutdownWrite() {
  shut_ = true;
  if (!flushes_) inner_->shutdownWrite();
}

}  // namespace millrace
