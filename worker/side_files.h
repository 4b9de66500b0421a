// The side files of a job, in a folder where its programs find them under their names.
#ifndef MILLRACE_WORKER_SIDE_FILES_H_
#define MILLRACE_WORKER_SIDE_FILES_H_

#include <kj/async.h>

#include <string>

#include "absl/status/status.h"
#include "rpc/io_thread.h"
#include "rpc/task_types.h"
#include "worker/binary_cache.h"

namespace millrace {

// Brings them to this host, if they are not here, and links them into `folder`. To be done before
// every attempt, as a copy may be damaged meanwhile; costs nothing for a job without side files.
// The errors are those of BinaryCache::Find. `binaries` and `io` must outlive the promise.
kj::Promise<absl::Status> PlaceSideFiles(BinaryCache& binaries, BlockingRunner& io,
                                         const JobContext& job, const std::string& folder);

}  // namespace millrace

#endif  // MILLRACE_WORKER_SIDE_FILES_H_
