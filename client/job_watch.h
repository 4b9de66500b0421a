// Follows a job to its end, through restarts of the master.
//
// A job that was accepted goes on without us: when the connection is lost, the watch waits for the
// master to come back, however long that takes. One event loop.
#ifndef MILLRACE_CLIENT_JOB_WATCH_H_
#define MILLRACE_CLIENT_JOB_WATCH_H_

#include <kj/async.h>
#include <kj/function.h>
#include <kj/time.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "client/master_link.h"

namespace millrace {

struct JobWatchOptions {
  // How long a view may be old before it is asked for again, though nothing changed.
  kj::Duration period = 1 * kj::SECONDS;
  kj::Function<void(const JobView&)> on_view = [](const JobView&) {};
  // Told when the master is lost and when it is back.
  kj::Function<void(std::string_view)> on_note = [](std::string_view) {};
};

class JobWatch {
 public:
  // `link` is connected and outlives this object.
  JobWatch(MasterLink& link, JobId job, JobWatchOptions options);
  KJ_DISALLOW_COPY(JobWatch);

  // The view of the ended job; kNotFound when the master does not know it, kFailedPrecondition when
  // the one that came back is of another cluster. Rejects with what
  // waiting cannot mend (another version, a key refused). Call it once; the promise must not
  // outlive this object.
  kj::Promise<absl::StatusOr<JobView>> Run();

 private:
  kj::Promise<absl::StatusOr<JobView>> Next();
  kj::Promise<absl::StatusOr<JobView>> Take(absl::StatusOr<JobView> view);
  kj::Promise<absl::StatusOr<JobView>> Reconnect(kj::Exception&& exception);
  bool IsAnother(const JobView& view);
  absl::StatusOr<JobView> OtherCluster(const std::string& what) const;

  MasterLink& link_;
  const JobId job_;
  JobWatchOptions options_;
  kj::TimePoint began_;
  uint64_t known_version_ = 0;
  // Of the job, when it was first seen: another cluster's job of the same number differs.
  int64_t submitted_unix_ms_ = 0;
  std::string output_folder_;
  bool was_away_ = false;
};

}  // namespace millrace

#endif  // MILLRACE_CLIENT_JOB_WATCH_H_
