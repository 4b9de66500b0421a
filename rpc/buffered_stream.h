// A stream that reads ahead and gathers small writes, so that many small messages cost few system
// calls.
//
// What is written leaves when nothing else is ready to run on the event loop, which is before the
// loop looks for what has arrived; and when the kernel has taken what went before. A write is done
// once it is gathered; if it fails later, the next one does. Writes that are not small are passed
// on as they are, after what was gathered. Whatever is gathered when the stream is destroyed is
// still offered to the kernel.
//
// As with any stream, one read and one write at a time. Lives on one event loop.
#ifndef MILLRACE_RPC_BUFFERED_STREAM_H_
#define MILLRACE_RPC_BUFFERED_STREAM_H_

#include <kj/array.h>
#include <kj/async-io.h>
#include <kj/async.h>

#include <cstddef>
#include <string>

namespace millrace {

class BufferedStream final : public kj::AsyncIoStream {
 public:
  static constexpr size_t kReadAheadBytes = 16 << 10;
  static constexpr size_t kGatheredBytesMax = 16 << 10;

  explicit BufferedStream(kj::Own<kj::AsyncIoStream> inner) : inner_(kj::mv(inner)) {}
  ~BufferedStream() noexcept(false);
  KJ_DISALLOW_COPY(BufferedStream);

  kj::Promise<size_t> tryRead(void* buffer, size_t min_bytes, size_t max_bytes) override;

  kj::Promise<void> write(const void* buffer, size_t size) override;
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override;
  kj::Promise<void> whenWriteDisconnected() override { return inner_->whenWriteDisconnected(); }
  // Says nothing to the peer before the stream is destroyed if anything is still gathered.
  void shutdownWrite() override;

  void abortRead() override { inner_->abortRead(); }
  void getsockopt(int level, int option, void* value, uint* length) override {
    inner_->getsockopt(level, option, value, length);
  }
  void setsockopt(int level, int option, const void* value, uint length) override {
    inner_->setsockopt(level, option, value, length);
  }
  void getsockname(struct sockaddr* address, uint* length) override {
    inner_->getsockname(address, length);
  }
  void getpeername(struct sockaddr* address, uint* length) override {
    inner_->getpeername(address, length);
  }
  kj::Maybe<int> getFd() const override { return inner_->getFd(); }

 private:
  size_t TakeReadAhead(void* buffer, size_t max_bytes);
  bool Gather(size_t size);
  kj::Promise<void> Flushed();
  kj::Promise<void> WriteGathered();

  kj::Own<kj::AsyncIoStream> inner_;
  kj::Array<kj::byte> read_ahead_;  // allocated with the first read
  size_t read_begin_ = 0;
  size_t read_end_ = 0;
  std::string gathered_;
  std::string leaving_;  // what is being written
  bool flushes_ = false;
  bool shut_ = false;
  kj::Maybe<kj::Exception> failure_;
  kj::ForkedPromise<void> flush_ = nullptr;  // the last one; goes first
};

}  // namespace millrace

#endif  // MILLRACE_RPC_BUFFERED_STREAM_H_
