// All workers that are connected and registered: finds the link of a worker by its id, turns what
// workers say into events, and performs the core's actions that are about workers.
//
// A worker has one link at a time. When a process registers again, on a new connection, the new
// link replaces the old one without a word to the core but WorkerJoined. When the connection of the
// current link breaks, the core is told WorkerDisconnected. What arrives over any other session is
// refused and counted.
//
// Lives on one event loop. Bounded: links by the connections that the acceptor lets in, remembered
// workers by kKnownMax.
#ifndef MILLRACE_MASTER_WORKER_LINKS_H_
#define MILLRACE_MASTER_WORKER_LINKS_H_

#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "master/core/master_core.h"
#include "master/job_store.h"
#include "master/master_shell.h"
#include "master/pending_answers.h"
#include "master/worker_link.h"
#include "rpc/job_views.h"
#include "rpc/task_types.h"

namespace millrace {

// The connection that a link goes over.
class LinkHolder {
 public:
  virtual ~LinkHolder() noexcept(false) {}
  // Asks for the connection to be closed, in a later turn.
  virtual void Close(std::string reason) = 0;
};

// How far a running attempt is, as its worker says.
struct ReportedProgress {
  AttemptId attempt;
  uint64_t bytes = 0;
  uint64_t steps = 0;
  uint64_t done = 0;
  uint64_t total = 0;
  std::string status;  // what it says of itself; empty: nothing
};

class WorkerLinks final : private kj::TaskSet::ErrorHandler {
 public:
  static constexpr size_t kKnownMax = 10'000;

  // `epoch` is this master's. All must outlive the links.
  WorkerLinks(Epoch epoch, kj::Timer& timer, const MasterCore& core, const JobStore& jobs,
              EventSink& events, const WorkerLink::Options& options);
  KJ_DISALLOW_COPY(WorkerLinks);

  // --- What workers say ---

  struct Inventory {
    std::vector<HeldAttempt> outputs;
    std::vector<HeldAttempt> attempts;
    std::vector<JobId> jobs;
  };
  // Registers a worker that is reached over `holder`, which must call Left before it goes. Calls to
  // the worker start when the loop has sent out what it has, the answer to this among it.
  WorkerSessionId Join(LinkHolder& holder, WorkerInfo info, capnp_worker::Worker::Client worker,
                       Inventory inventory);
  void Left(LinkHolder& holder);

  // False: the session is not current.
  bool Heartbeat(const WorkerSessionId& session, const std::vector<ReportedProgress>& progress);
  kj::Promise<OutcomeReply> Report(const WorkerSessionId& session, AttemptOutcome outcome);
  void SourcesReady(const WorkerSessionId& session, const AttemptId& attempt, uint64_t version);
  void Drain(const WorkerSessionId& session);

  // --- What the core asks for; nothing happens when the worker is not connected ---

  void Launch(const LaunchAttempt& action);
  void Grant(const GrantSlot& action);
  void Cancel(const CancelAttempt& action);
  void Publish(const PublishSources& action);
  void Release(const ReleaseJob& action);
  void Retain(const RetainOutputs& action);
  void DropOutputs(const millrace::DropOutputs& action);
  void Answer(const AnswerOutcome& action);
  void Forget(const ForgetWorker& action);

  // --- What others ask for ---

  // Asks every connected worker whether it can run the job. Gives the first objection, with the
  // host's name, or nothing; a worker that has not answered within `patience` has none.
  kj::Promise<std::string> FindObjection(const JobContext& context, kj::Duration patience);
  // Says that the job was refused, or is over, to every worker that was asked about it and has not
  // been told so yet; it may never have got an attempt of it.
  void ReleaseEverywhere(JobId job);

  // What attempts of a worker have written, as it tells. Never rejects; may outlive the links.
  kj::Promise<WorkerLogs> LogsOf(WorkerId worker, const std::vector<AttemptId>& attempts);
  bool IsConnected(WorkerId worker) const { return links_.count(worker) > 0; }

  struct Known {
    WorkerInfo info;
  };
  // Connected workers and recent ones; null for others.
  const Known* Find(WorkerId worker) const;
  // Read so far by map attempts of `job` that are running.
  uint64_t RunningMapBytes(JobId job) const;
  // What a running attempt said of itself last; empty: nothing.
  std::string StatusOf(WorkerId worker, const AttemptId& attempt) const;
  size_t size() const { return links_.size(); }
  uint64_t refused_messages() const { return refused_messages_; }

 private:
  struct Running {
    TaskId task;
    uint64_t bytes = 0;
    std::string status;
  };
  struct Link {
    LinkHolder* holder = nullptr;
    kj::Own<WorkerLink> calls;
    std::map<AttemptId, Running> running;
  };

  kj::Own<WorkerLink> MakeCalls(const WorkerSessionId& session, const std::string& name,
                                capnp_worker::Worker::Client worker);
  void Remember(WorkerId worker, WorkerInfo info);
  Link* Current(const WorkerSessionId& session);
  Link* FindLink(WorkerId worker);
  // Drops the link when no callback of it can be on the stack any more.
  void Drop(std::map<WorkerId, Link>::iterator it);
  void OnBroken(const WorkerSessionId& session, const std::string& reason);
  void OnFailedLaunch(const WorkerSessionId& session, AttemptOutcome outcome);
  std::optional<SourceNews> FindNews(JobId job, uint32_t from, uint32_t to) const;
  std::vector<ShuffleAddress> AddressesOf(const std::vector<MapSource>& sources) const;
  void taskFailed(kj::Exception&& exception) override;

  const Epoch epoch_;
  kj::Timer& timer_;
  const MasterCore& core_;
  const JobStore& jobs_;
  EventSink& events_;
  const WorkerLink::Options options_;

  std::map<WorkerId, Link> links_;
  std::map<WorkerId, Known> known_;
  PendingAnswers<std::pair<WorkerId, AttemptId>, OutcomeReply> reports_;
  uint64_t refused_messages_ = 0;
  kj::TaskSet tasks_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_WORKER_LINKS_H_
