// Our end of one registered worker: every call that the master makes to it.
//
// Calls about one job wait until the worker has been told the job's context and has agreed to run
// it (prepareJob, once per job and link), and then go out in the order in which they were asked
// for. A worker that cannot run the job fails the attempts launched there, with its own words.
//
// Every call has a deadline and the number of calls under way is bounded. The first call that fails
// breaks the link for good: on_broken is called once, with the reason, and the owner drops the
// link. Nothing is tried again here; what becomes of the worker's work is the core's business.
//
// Lives on one event loop.
#ifndef MILLRACE_MASTER_WORKER_LINK_H_
#define MILLRACE_MASTER_WORKER_LINK_H_

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "master/pending_answers.h"
#include "rpc/task_types.h"
#include "rpc/worker.capnp.h"

namespace millrace {

// Where map outputs of a job are that have changed.
struct SourceNews {
  std::vector<MapSource> sources;
  std::vector<ShuffleAddress> addresses;  // of all workers that `sources` name
};

class WorkerLink final : private kj::TaskSet::ErrorHandler {
 public:
  struct Options {
    kj::Duration call_deadline = 10 * kj::SECONDS;
    // A worker on another host may have to fetch the job's binary first.
    kj::Duration prepare_deadline = 120 * kj::SECONDS;
    // A person waits for the answer, whose own call ends after 10 s.
    kj::Duration logs_deadline = 5 * kj::SECONDS;
    size_t logs_calls_max = 64;  // a client has one under way
    // A worker that falls so far behind is not answering. Below kMaxOutstandingCalls.
    size_t outstanding_max = 2000;
    // Some 100 KB with the addresses of as many workers, so that a heartbeat never waits long.
    uint32_t sources_per_call = 500;
  };

  // `on_failed_launch` gets the outcome of an attempt that the worker cannot run. `find_news` says
  // what changed in source versions (from, to], as of now; nothing when the job is over.
  struct Callbacks {
    kj::Function<void(std::string reason)> on_broken;
    kj::Function<void(AttemptOutcome outcome)> on_failed_launch;
    kj::Function<std::optional<SourceNews>(JobId job, uint32_t from, uint32_t to)> find_news;
  };

  WorkerLink(capnp_worker::Worker::Client worker, const WorkerSessionId& session, std::string name,
             kj::Timer& timer, const Options& options, Callbacks callbacks);
  KJ_DISALLOW_COPY(WorkerLink);

  // Calls asked for before this are held back: the worker must know its session first.
  void Open();

  // Tells the worker the context of a job. Gives its objection, or nothing when it agrees.
  kj::Promise<std::string> Prepare(const JobContext& context);

  void Launch(const AttemptSpec& spec, const JobContext& context);
  void GrantSlot(JobId job, const AttemptId& attempt);
  void Cancel(JobId job, const AttemptId& attempt);
  // The worker is at source version `from` and is to get to `to`: in calls that each wait for the
  // answer to the one before. So only one is in memory for a worker at a time, however many maps
  // there are.
  void Publish(uint32_t from, uint32_t to, const JobContext& context);
  void Release(JobId job);
  // Whether the worker was told of the job, and not yet that it is over.
  bool Knows(JobId job) const { return jobs_.count(job) > 0; }
  // In calls of at most 1,000 outputs each.
  using OutputNames = std::vector<std::pair<TaskId, AttemptId>>;
  void Retain(const OutputNames& outputs);
  void Drop(const OutputNames& outputs);

  // What attempts have written; rejects when the worker gives no answer, or too many ask it. That
  // does not break the link: no work depends on it. The promise may outlive the link.
  kj::Promise<std::vector<AttemptLog>> LogsOf(const std::vector<AttemptId>& attempts);

  const WorkerSessionId& session() const { return session_; }

 private:
  using Call = std::function<void()>;

  struct PreparedJob {
    bool agreed = false;
    std::string objection;  // not empty: the worker cannot run the job
    std::vector<Call> waiting;
    // Source versions: told so far, a call under way included; to be told; whether one is.
    uint32_t told = 0;
    uint32_t newest = 0;
    bool telling = false;
  };

  PreparedJob& Prepared(const JobContext& context);
  void StartPreparing(const JobContext& context);
  void OnPrepared(JobId job, const std::string& objection);
  // Makes the call now, or when the worker has agreed to run the job; never, if it was released.
  void WhenPrepared(JobId job, Call call);
  void WhenOpen(Call call);

  void SendLaunch(const AttemptSpec& spec);
  void TellSources(JobId job);
  void SendSources(JobId job, uint32_t version, const SourceNews& news);
  template <typename Request>
  void Send(const std::string& what, Request request);
  void Watch(const std::string& what, kj::Duration deadline, kj::Promise<void> call);
  void Break(const std::string& reason);
  void taskFailed(kj::Exception&& exception) override;

  capnp_worker::Worker::Client worker_;
  const WorkerSessionId session_;
  const std::string name_;
  kj::Timer& timer_;
  const Options options_;
  Callbacks callbacks_;

  bool open_ = false;
  bool broken_ = false;
  std::vector<Call> held_;
  std::map<JobId, PreparedJob> jobs_;
  PendingAnswers<JobId, std::string> objections_;
  size_t outstanding_ = 0;
  const std::shared_ptr<size_t> logs_calls_ = std::make_shared<size_t>(0);  // under way
  kj::TaskSet tasks_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_WORKER_LINK_H_
