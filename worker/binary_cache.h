// Answers where on this host the binary or a side file of a job is, and brings it here when it is
// not.
//
// On the host where the job was submitted the binary is used in place, as long as it is the one
// that was submitted. Elsewhere, and always if it is a side file, it is fetched once, named by its
// SHA-256 and kept: at most `max_bytes`, the least recently used leave first, never one that a job
// here still needs. A cached copy is verified when it is first used and whenever its file looks
// different; a damaged one is fetched again.
//
// Lives on one event loop; files are touched through `io` alone.
#ifndef MILLRACE_WORKER_BINARY_CACHE_H_
#define MILLRACE_WORKER_BINARY_CACHE_H_

#include <kj/async.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "rpc/io_thread.h"
#include "rpc/task_types.h"
#include "storage/file_system.h"
#include "worker/binary_source.h"

namespace millrace {

struct BinaryCacheOptions {
  std::string scratch_folder;
  std::string host_id;
  uint64_t max_bytes = uint64_t{2} << 30;
};

class BinaryCache {
 public:
  // All must outlive this object and its promises.
  BinaryCache(FileSystem& file_system, BlockingRunner& io, BinarySource& source,
              BinaryCacheOptions options);
  KJ_DISALLOW_COPY(BinaryCache);

  // The path from which `job` is to be started now, or where its side file is; ask again before
  // every start. Until Release the copy is kept. Errors: kFailedPrecondition (the binary changed
  // after the job was submitted: no attempt can succeed), kPermissionDenied (the scratch folder is
  // mounted noexec), kInvalidArgument (made for another machine), others (it could not be brought
  // here).
  kj::Promise<absl::StatusOr<std::string>> Find(JobId job, const JobBinary& binary);

  // `job` starts nothing more.
  void Release(JobId job);

  uint64_t cached_bytes() const;

 private:
  // Found on the I/O thread.
  struct Look;
  struct Copy {
    uint64_t size = 0;
    uint64_t last_use = 0;
    // The file when its content was verified.
    FileInfo verified;
  };

  bool InUse(const std::string& name) const;

  struct Pending {
    uint64_t number;
    kj::ForkedPromise<absl::Status> end;
  };

  kj::Promise<absl::StatusOr<std::string>> Locate(JobId job, const JobBinary& binary);
  kj::Promise<absl::StatusOr<std::string>> Use(JobId job, const JobBinary& binary,
                                               const Look& look);
  kj::Promise<absl::StatusOr<std::string>> Fetch(JobId job, const JobBinary& binary);
  kj::Promise<absl::Status> FetchOnce(JobId job, const JobBinary& binary);
  // Makes room for `bytes` more.
  absl::Status Evict(uint64_t bytes);

  FileSystem& file_system_;
  BlockingRunner& io_;
  BinarySource& source_;
  const BinaryCacheOptions options_;
  uint64_t uses_ = 0;
  uint64_t fetches_begun_ = 0;
  std::map<JobId, std::set<std::string>> users_;  // the copies that each job needs
  std::map<std::string, Copy> copies_;            // by the names of their files
  std::map<std::string, Pending> fetches_;        // under way
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_BINARY_CACHE_H_
