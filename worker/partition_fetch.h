// Fetches one partition of one map output into a local file.
//
// At most kMaxChunks chunks of 1 MiB are asked for ahead, and nothing more than that is held in
// memory: a slow disk slows the peer down. Destroying it abandons the fetch.
//
// Lives on one event loop; the file is written through `io` alone.
#ifndef MILLRACE_WORKER_PARTITION_FETCH_H_
#define MILLRACE_WORKER_PARTITION_FETCH_H_

#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "rpc/io_thread.h"
#include "rpc/task_types.h"
#include "rpc/worker.capnp.h"
#include "storage/file_system.h"
#include "worker/engine/reduce_task.h"
#include "worker/peer_pool.h"

namespace millrace {

// What came of it.
struct FetchedPartition {
  enum class End {
    kFetched,
    kGone,         // the peer does not have it, or what it has is damaged
    kUnreachable,  // the peer does not let itself be connected
    kTrouble,      // the peer is slow, or was lost on the way
    kLocalFailure  // it cannot be written here
  } end = End::kTrouble;
  std::string message;                 // unless fetched
  std::optional<ReduceSource> source;  // when fetched and not empty
  uint64_t bytes = 0;
};

struct PartitionFetchOptions {
  uint32_t map_index = 0;  // in the job of the reduce
  TaskId map_task;         // for which the output was made, perhaps in another job
  AttemptId attempt;
  uint32_t partition = 0;
  std::string path;  // of the file to write; its folder exists
  // Optional: grows by each byte that arrives. Outlives the fetch.
  uint64_t* received = nullptr;
  // For one chunk: a link slower than 100 KB/s is trouble.
  kj::Duration chunk_timeout = 10 * kj::SECONDS;
};

class PartitionFetch {
 public:
  static constexpr size_t kMaxChunks = 4;

  PartitionFetch(kj::Timer& timer, FileSystem& file_system, BlockingRunner& io,
                 PartitionFetchOptions options);
  KJ_DISALLOW_COPY(PartitionFetch);

  // Never rejects; the promise must not outlive this object. Call it once.
  kj::Promise<FetchedPartition> Run(PeerPool& peers, const std::string& address);

 private:
  class Target;

  kj::Promise<FetchedPartition> Open();
  kj::Promise<FetchedPartition> Begin(capnp_worker::PartitionResult::Reader result);
  kj::Promise<FetchedPartition> CopyRest();
  kj::Promise<FetchedPartition> Store(std::string chunk);
  void AskAhead();
  FetchedPartition Fetched();

  kj::Timer& timer_;
  BlockingRunner& io_;
  const PartitionFetchOptions options_;
  const std::shared_ptr<Target> target_;  // shared with the work on the I/O thread
  kj::Own<Peer> peer_;
  kj::Maybe<capnp_worker::ByteReader::Client> reader_;
  ReduceSource source_;
  uint64_t asked_ = 0;                           // bytes
  uint64_t stored_ = 0;                          // bytes
  std::deque<kj::Promise<std::string>> chunks_;  // asked for, in order
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_PARTITION_FETCH_H_
