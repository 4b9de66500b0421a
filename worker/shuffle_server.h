// Serves finished map outputs to the reduces of other workers.
//
// One server serves one connection and bounds what its peer can make us hold: open partitions and
// reads under way; beyond them it answers "busy". Files are opened and read on the I/O thread. What
// is served is checked first: the run must be complete and made by the attempt that was asked for.
//
// Lives on one event loop.
#ifndef MILLRACE_WORKER_SHUFFLE_SERVER_H_
#define MILLRACE_WORKER_SHUFFLE_SERVER_H_

#include <kj/async.h>

#include <cstdint>
#include <memory>
#include <string>

#include "rpc/call_scope.h"
#include "rpc/io_thread.h"
#include "rpc/worker.capnp.h"
#include "storage/file_system.h"

namespace millrace {

// A longer read is refused.
constexpr uint32_t kShuffleChunkBytes = 1 << 20;
// A partition of at most this many bytes comes with the answer to `open`.
constexpr uint32_t kSmallPartitionBytes = 64 << 10;

class ShuffleServer final : public ScopedServer<capnp_worker::Shuffle> {
 public:
  static constexpr int kMaxOpenPartitions = 256;
  static constexpr int kMaxReads = 64;

  // `file_system` and `io` must outlive `scope`.
  ShuffleServer(FileSystem& file_system, BlockingRunner& io, std::string scratch_folder,
                const CallScope& scope);

  kj::Promise<void> open(OpenContext context) override;

 private:
  struct Load;  // what one connection makes us hold
  class Reader;

  FileSystem& file_system_;
  BlockingRunner& io_;
  const std::string scratch_folder_;
  const CallScope& scope_;
  const std::shared_ptr<Load> load_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_SHUFFLE_SERVER_H_
