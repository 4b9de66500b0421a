// Brings one binary or side file to this host: piece by piece into a temporary file, verified, made
// executable if it is to be, and renamed. Nobody ever sees half of it.
//
// Lives on one event loop; files are touched through `io` alone.
#ifndef MILLRACE_WORKER_BINARY_FETCH_H_
#define MILLRACE_WORKER_BINARY_FETCH_H_

#include <kj/async.h>
#include <kj/memory.h>

#include <memory>
#include <string>

#include "rpc/io_thread.h"
#include "rpc/task_types.h"
#include "storage/file_system.h"
#include "worker/binary_source.h"

namespace millrace {

class BinaryFetch {
 public:
  // `file_system` and `io` must outlive the work that was begun.
  BinaryFetch(FileSystem& file_system, BlockingRunner& io, JobBinary binary, std::string path);
  // Removes what is unfinished.
  ~BinaryFetch() noexcept(false);
  KJ_DISALLOW_COPY(BinaryFetch);

  // Resolves with OK when `path` holds the whole binary; kDataLoss when what came is not it. The
  // promise must not outlive this object. Call it once.
  kj::Promise<absl::Status> Run(JobId job, BinarySource& source);

 private:
  struct Target;

  kj::Promise<absl::Status> CopyFrom(kj::Own<BinaryStream> stream);
  kj::Promise<absl::Status> CopyRest(uint64_t offset);
  kj::Promise<absl::Status> Append(uint64_t offset, std::string chunk);
  kj::Promise<absl::Status> Finish();

  BlockingRunner& io_;
  const JobBinary binary_;
  std::shared_ptr<Target> target_;  // shared with the work on the I/O thread
  kj::Own<BinaryStream> stream_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_BINARY_FETCH_H_
