// One attempt on this worker, from its launch to its outcome.
//
//   map      waits for a slot ─► runs ─► ended
//   reduce   fetches ─► its sources are ready ─► (granted) waits for a slot ─► runs ─► ended
//                 ▲───── a source is lost ──┘
//
// It tells its owner what the master must know, and gives exactly one outcome. A cancelled attempt
// ends when its executor has died, so that nothing writes to its files any more. Lives on one event
// loop.
#ifndef MILLRACE_WORKER_ATTEMPT_RUN_H_
#define MILLRACE_WORKER_ATTEMPT_RUN_H_

#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <memory>
#include <string>

#include "rpc/io_thread.h"
#include "rpc/task_types.h"
#include "storage/failpoint_table.h"
#include "storage/file_system.h"
#include "worker/attempt_files.h"
#include "worker/binary_cache.h"
#include "worker/executor_pool.h"
#include "worker/job_table.h"
#include "worker/shuffle_cpu.h"
#include "worker/shuffle_fetcher.h"

namespace millrace {

// What all attempts of a worker share; all of it outlives them.
struct AttemptHost {
  kj::Timer& timer;
  FileSystem& file_system;
  BlockingRunner& io;
  ExecutorPool& executors;
  BinaryCache& binaries;
  PeerPool& peers;
  ShuffleCpu& shuffle_cpu;
  std::string scratch_folder;
  std::string host_id;
  std::string worker_name;
};

class AttemptRun final : private kj::TaskSet::ErrorHandler {
 public:
  // Called from the event loop; none of them may destroy the attempt at once.
  class Owner {
   public:
    virtual ~Owner() noexcept(false) = default;
    virtual void OnSourcesReady(const AttemptRun& attempt, uint64_t version) = 0;
    virtual void OnWantsSlot(const AttemptRun& attempt) = 0;
    // The last call. A slot that it had is free.
    virtual void OnEnded(const AttemptRun& attempt, AttemptOutcome outcome) = 0;
  };

  AttemptRun(const AttemptHost& host, const JobContext& job, AttemptSpec spec, Owner& owner);
  // Kills its executor, if it still runs.
  ~AttemptRun() noexcept(false);
  KJ_DISALLOW_COPY(AttemptRun);

  // A map asks for a slot, a reduce begins to fetch what `job` knows so far.
  void Begin(const KnownJob& job);
  // News about the sources of a reduce.
  void Publish(uint64_t version, const std::vector<MapSource>& sources,
               const std::map<WorkerId, ShuffleAddress>& addresses);
  // The master gives a reduce a slot.
  void Grant();
  // The answer to OnWantsSlot: runs it.
  void UseSlot();
  void Cancel();
  // A session begins, in which source versions are counted anew: what was announced on a connection
  // that broke is announced again once the master has said where the sources are.
  void ForgetVersion();

  const AttemptSpec& spec() const { return spec_; }
  const AttemptFiles& files() const { return files_; }
  bool has_slot() const { return has_slot_; }
  bool cancelled() const { return cancelled_; }
  // Whether the master gave it a slot after its launch.
  bool granted() const { return granted_; }
  // What its executor has written so far; of one that has ended, all in all.
  AttemptLog log() { return executor_.get() == nullptr ? log_ : executor_->Log(); }
  // As of the last refresh.
  AttemptProgress progress() const { return progress_; }
  // Asks the executor; the answer is there when the next heartbeat goes.
  void RefreshProgress();

 private:
  void BeginFetching(const KnownJob& job);
  void OnFetchChange();
  void AskForSlot();
  kj::Promise<void> RunInExecutor();
  // Where the job's binary is, once its side files are in place.
  kj::Promise<absl::StatusOr<std::string>> FindProgram();
  kj::Promise<void> StartExecutor(absl::StatusOr<std::string> binary);
  kj::Promise<void> Await(kj::Promise<AttemptOutcome> run);
  void AddShuffle(AttemptOutcome* outcome);
  void Pass(Failpoint of_map, Failpoint of_reduce) const;
  ExecutorTask MakeTask() const;
  void Take(const AttemptProgress& progress);
  void OnNoAnswer();
  void Fail(Cause cause, const std::string& message);
  void Finish(AttemptOutcome outcome);
  void taskFailed(kj::Exception&& exception) override;

  const AttemptHost& host_;
  const JobContext job_;
  const AttemptSpec spec_;
  const AttemptFiles files_;
  Owner& owner_;
  bool cancelled_ = false;
  bool granted_ = false;
  bool asked_for_slot_ = false;
  bool has_slot_ = false;
  bool ended_ = false;
  bool refreshing_ = false;
  uint64_t announced_version_ = 0;
  bool announced_ = false;
  AttemptProgress progress_;
  uint64_t shuffled_bytes_ = 0;
  uint64_t source_records_ = 0;
  // Questions after its progress that the executor did not answer, one after the other.
  int unanswered_ = 0;
  kj::TimePoint silent_since_ = kj::origin<kj::TimePoint>();
  bool timed_out_ = false;
  kj::Own<ShuffleFetcher> fetcher_;
  kj::Own<Executor> executor_;
  AttemptLog log_;  // what it had written when it gave back its executor
  kj::TaskSet tasks_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ATTEMPT_RUN_H_
