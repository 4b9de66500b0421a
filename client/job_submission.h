// Hands one job to a master: begin, the names of the input files in pieces, the binary if the
// master cannot open it, the side files that it does not have, commit.
//
// A connection that is lost on the way is opened again and the submission starts over; the request
// id in the specification makes sure that it gives one job. A master that takes in too many other
// jobs is asked again, with growing pauses. One event loop.
#ifndef MILLRACE_CLIENT_JOB_SUBMISSION_H_
#define MILLRACE_CLIENT_JOB_SUBMISSION_H_

#include <kj/async.h>
#include <kj/time.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/master_link.h"
#include "rpc/backoff.h"
#include "rpc/task_types.h"
#include "storage/file_system.h"

namespace millrace {

class JobSubmission {
 public:
  // `link` is connected and outlives this object. A lost connection is tried for `patience`, and so
  // is a busy master.
  JobSubmission(MasterLink& link, JobSpec spec, kj::Duration patience);
  KJ_DISALLOW_COPY(JobSubmission);

  // The accepted job, or kFailedPrecondition with the master's reason. Rejects when the master
  // cannot be reached, or is busy for too long. Call it once; the promise must not outlive this
  // object.
  kj::Promise<absl::StatusOr<JobId>> Run();

 private:
  kj::Promise<absl::StatusOr<JobId>> RunOnce();
  kj::Promise<absl::StatusOr<JobId>> RunLater(const std::string& why_not_now);
  kj::Promise<absl::StatusOr<JobId>> Send(capnp_master::Submission::Client submission);
  kj::Promise<void> SendInputs(capnp_master::Submission::Client submission, size_t first);
  // From number `first` of the binary (0) and the side files on, those that the master needs.
  kj::Promise<void> SendFiles(capnp_master::Submission::Client submission, size_t first);
  kj::Promise<void> SendIfNeeded(capnp_master::Submission::Client submission,
                                 const JobBinary& file);
  kj::Promise<void> SendRest(capnp_master::Submission::Client submission, const JobBinary& file,
                             uint64_t offset);
  kj::Promise<absl::StatusOr<JobId>> Commit(capnp_master::Submission::Client submission);

  MasterLink& link_;
  const JobSpec spec_;
  const kj::Duration patience_;
  const kj::TimePoint give_up_;  // on a busy master
  Backoff backoff_;
  int tries_left_;
  std::unique_ptr<ReadableFile> file_;  // the one that is being sent
};

}  // namespace millrace

#endif  // MILLRACE_CLIENT_JOB_SUBMISSION_H_
