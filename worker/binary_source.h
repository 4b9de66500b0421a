// Where a job's binary and its side files come from when this host does not have them.
//
// Lives on one event loop.
#ifndef MILLRACE_WORKER_BINARY_SOURCE_H_
#define MILLRACE_WORKER_BINARY_SOURCE_H_

#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/memory.h>
#include <kj/timer.h>

#include <cstdint>
#include <string>

#include "rpc/connection.h"
#include "rpc/ids.h"

namespace millrace {

// Longest piece that is asked for at a time.
constexpr uint32_t kBinaryChunkBytes = 1 << 20;

class BinaryStream {
 public:
  virtual ~BinaryStream() noexcept(false) = default;
  // `length` bytes from `offset`, fewer only at the end of the file.
  virtual kj::Promise<std::string> Read(uint64_t offset, uint32_t length) = 0;
};

class BinarySource {
 public:
  virtual ~BinarySource() noexcept(false) = default;
  // The job's binary, or its side file of the name `file` if that is not empty. Rejects with FAILED
  // and a message for people when it cannot be had.
  virtual kj::Promise<kj::Own<BinaryStream>> Open(JobId job, const std::string& file) = 0;
};

// Asks the master, on a bulk connection of its own for each binary, so that megabytes never queue
// in front of a heartbeat.
class MasterBinarySource final : public BinarySource {
 public:
  MasterBinarySource(kj::Network& network, kj::Timer& timer, const ConnectionOptions& options);
  KJ_DISALLOW_COPY(MasterBinarySource);

  // Where the master listens; not known before the worker has been connected once.
  void SetMasterAddress(std::string address) { master_ = std::move(address); }

  kj::Promise<kj::Own<BinaryStream>> Open(JobId job, const std::string& file) override;

 private:
  class Stream;

  kj::Network& network_;
  kj::Timer& timer_;
  const ConnectionOptions options_;
  std::string master_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_BINARY_SOURCE_H_
