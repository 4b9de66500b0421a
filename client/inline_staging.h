// The staging of inline jobs, which nobody removes when their user code crashes.
//
// An inline job keeps a file in its staging folder locked while it lives. The kernel lets go of the
// lock when the process ends, however it ends; so staging whose file can be locked is abandoned.
// Staging of other jobs has no such file and is never touched. One thread.
#ifndef MILLRACE_CLIENT_INLINE_STAGING_H_
#define MILLRACE_CLIENT_INLINE_STAGING_H_

#include <memory>
#include <string>

#include "storage/file_system.h"

namespace millrace {

class InlineStagingLock {
 public:
  // Of a job that is staged. Null where the file system has no locks: then nobody can tell that
  // the staging is abandoned, and it stays.
  static std::unique_ptr<InlineStagingLock> Take(const std::string& output,
                                                 const std::string& job_key);
  ~InlineStagingLock();
  InlineStagingLock(const InlineStagingLock&) = delete;
  InlineStagingLock& operator=(const InlineStagingLock&) = delete;

 private:
  explicit InlineStagingLock(int fd) : fd_(fd) {}
  const int fd_;
};

// Removes what inline jobs that died have left in `output`, as far as that is possible. `fs` is the
// disk of this host.
void RemoveAbandonedStaging(FileSystem& fs, const std::string& output);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_INLINE_STAGING_H_
