// Hands one job to a master: begin, the names of the input files in pieces, the binary if the
// master cannot open it, the side files that it does not have; then the call that makes the job.
//
// That call runs at most once (rpc/caller.h). Its connection is one of its own: when it is lost,
// the next one starts with all of the above, and the call is sent over it again. When in the end
// nobody knows whether it was executed, as when the master has started anew in between, the master
// is asked with another call: its journal knows the request id of each job. A job that one of them
// may have made is not said to be refused because a later one did not get through. A master that
// takes in too many other jobs is asked again, with growing pauses. One event loop.
#ifndef MILLRACE_CLIENT_JOB_SUBMISSION_H_
#define MILLRACE_CLIENT_JOB_SUBMISSION_H_

#include <kj/async.h>
#include <kj/time.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/master_link.h"
#include "rpc/backoff.h"
#include "rpc/caller.h"
#include "rpc/task_types.h"
#include "storage/file_system.h"

namespace millrace {

class JobSubmission {
 public:
  // `link` outlives this object. A lost connection is tried for `patience`, and so is a busy
  // master.
  JobSubmission(MasterLink& link, JobSpec spec, kj::Duration patience);
  KJ_DISALLOW_COPY(JobSubmission);

  // The accepted job, or kFailedPrecondition with the master's reason. Rejects when the master
  // cannot be reached, is busy for too long, or did not say what became of the job. Call it once;
  // the promise must not outlive this object.
  kj::Promise<absl::StatusOr<JobId>> Run();

 private:
  kj::Promise<absl::StatusOr<JobId>> Conclude(const CallResult& result);
  kj::Promise<absl::StatusOr<JobId>> Done(const std::string& reply);
  kj::Promise<absl::StatusOr<JobId>> NotDone(const std::string& why);
  kj::Promise<absl::StatusOr<JobId>> Unknown(const std::string& why);
  bool MayCallAgain();
  kj::Duration Deadline() const;

  // A connection over which the master has all of the job but the last word.
  kj::Promise<kj::Own<Connection>> Reach();
  // Remembers why there will be no connection, and makes sure that none is tried.
  kj::Exception GiveUp(kj::Exception&& why);
  kj::Promise<void> Upload(capnp_master::Jobs::Client jobs);
  kj::Promise<void> UploadLater(capnp_master::Jobs::Client jobs, const std::string& why_not_now);
  kj::Promise<void> SendInputs(size_t first);
  // From number `first` of the binary (0) and the side files on, those that the master needs.
  kj::Promise<void> SendFiles(size_t first);
  kj::Promise<void> SendIfNeeded(const JobBinary& file);
  kj::Promise<void> SendRest(const JobBinary& file, uint64_t offset);
  capnp_master::Submission::Client& submission();

  MasterLink& link_;
  const JobSpec spec_;
  const kj::Duration patience_;
  const kj::TimePoint give_up_;  // on a busy master
  Backoff backoff_;
  int calls_left_;
  bool may_be_accepted_ = false;  // one of the calls so far was sent, and nobody knows its fate
  bool master_has_it_ = false;    // over the present connection: all but the last word
  const kj::TimePoint deadline_;  // for all that is to be done
  std::unique_ptr<ReadableFile> file_;                      // the one that is being sent
  kj::Maybe<capnp_master::Submission::Client> submission_;  // of the present connection
  kj::Maybe<kj::Exception> failure_;                        // why there is no connection
  kj::Own<Caller> caller_;                                  // goes first
};

}  // namespace millrace

#endif  // MILLRACE_CLIENT_JOB_SUBMISSION_H_
