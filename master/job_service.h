// What clients can reach: submitting, watching and cancelling jobs, and what there is to see.
//
// Decodes, asks, encodes. A submission belongs to the connection it came over: it is gone when the
// connection is. The job is made of it by a call that runs once (rpc/call_server.h), however often
// it is sent and over whichever connection; that makes it of what came over its own, so that a copy
// which the network held back does not take a later submission that is not complete. After a
// restart of the master, which ends all sessions, the journal still knows which request made which
// job. Everybody who waits is bounded by the calls that a connection may have outstanding, and by
// the deadline that each caller gives.
//
// Lives on one event loop.
#ifndef MILLRACE_MASTER_JOB_SERVICE_H_
#define MILLRACE_MASTER_JOB_SERVICE_H_

#include <capnp/capability.h>
#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "master/admission.h"
#include "master/binary_store.h"
#include "master/client_views.h"
#include "master/master_shell.h"
#include "master/pending_answers.h"
#include "master/submission.h"
#include "master/worker_links.h"
#include "rpc/call_scope.h"
#include "rpc/call_server.h"
#include "rpc/call_types.h"

namespace millrace {

class JobService {
 public:
  static constexpr kj::Duration kWatchMax = 60 * kj::SECONDS;

  // All must outlive it.
  JobService(const MasterCore& core, EventSink& events, const ClientViews& views,
             Admission& admission, BinaryStore& binaries, const JobStore& jobs, WorkerLinks& links,
             kj::Timer& timer, Epoch epoch);
  KJ_DISALLOW_COPY(JobService);

  // For a connection from the client at `peer`: a capnp_master::Jobs.
  capnp::Capability::Client NewJobs(const std::string& peer);
  // For a bulk connection: a capnp_master::Binaries.
  capnp::Capability::Client NewBinaries();

  // The core's answers.
  void Answer(const AnswerCancel& action);
  void Changed(const JobChanged& action);

 private:
  // By the connection over which it came, and by client: of each the last one.
  using SubmissionKey = std::pair<std::string, ClientId>;
  using Submissions = std::map<SubmissionKey, std::shared_ptr<Submission>>;

  class JobsServer;
  class SubmissionServer;
  class BinariesServer;
  class ReaderServer;

  // Gives the job when its version is not `known` (any more), or when the time is over.
  kj::Promise<std::optional<JobView>> Watch(JobId job, uint64_t known, kj::Duration wait);
  // Of a worker that is lost, or does not answer, it says so.
  kj::Promise<WorkerLogs> LogsOf(WorkerId worker, const std::vector<AttemptId>& attempts);
  kj::Promise<CancelReply> Cancel(JobId job, std::string reason);
  // Makes a job of a submission, or of none if it is gone with its connection. Once begun it runs
  // to its end, whoever waits.
  kj::Promise<CallReply> Submit(const SubmissionKey& key, const std::string& request_id);
  kj::Promise<AdmissionAnswer> Admit(std::shared_ptr<Submission> submission);

  const MasterCore& core_;
  EventSink& events_;
  const ClientViews& views_;
  Admission& admission_;
  BinaryStore& binaries_;
  const JobStore& jobs_;
  WorkerLinks& links_;
  kj::Timer& timer_;
  const std::shared_ptr<SubmissionBudget> budget_ = std::make_shared<SubmissionBudget>();
  const std::shared_ptr<Submissions> submissions_ = std::make_shared<Submissions>();
  PendingAnswers<JobId, CancelReply> cancels_;
  PendingAnswers<JobId, JobId> changes_;
  uint64_t connections_ = 0;         // of clients, so far
  std::set<std::string> admitting_;  // requests that are being looked at, one for each submission
  PendingAnswers<std::string, CallReply> admitted_;
  CallServer submits_;
  CallScope calls_;  // last, so that they end first
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_JOB_SERVICE_H_
