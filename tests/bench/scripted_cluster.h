// A cluster of scripted workers around one MasterCore, in virtual time: nothing is sent, run or
// waited for, so that what the core costs can be seen at sizes that no simulation of whole
// processes reaches.
//
// Workers say what real ones would: heartbeats with progress once a second, successes after some
// seconds, requests for slots once their sources are told. Some take ten times as long. Some are
// lost, half of them while maps run and half while reduces run, with their connection or in
// silence; reduces that fetch from them say so.
//
// Whatever the core decides is checked as it comes: one winner a task, no more attempts than slots,
// reduces only when every map is done, nothing for a worker that is lost. The same options give the
// same run. One thread.
#ifndef MILLRACE_TESTS_BENCH_SCRIPTED_CLUSTER_H_
#define MILLRACE_TESTS_BENCH_SCRIPTED_CLUSTER_H_

#include <cstdint>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "master/core/core_checker.h"
#include "master/core/master_core.h"
#include "tests/bench/winner_book.h"

namespace millrace {

struct ScriptedClusterOptions {
  uint32_t workers = 200;
  uint32_t slots = 4;
  uint32_t maps = 20'000;
  uint32_t reduces = 200;
  double lost_percent = 1;
  uint64_t seed = 1;
  CoreOptions core;
  // A CoreChecker looks on. It takes time in proportion to all that runs, for each event.
  bool checked = false;
};

struct ScriptedClusterCosts {
  uint64_t events = 0;
  uint64_t actions = 0;
  uint64_t source_messages = 0;  // PublishSources
  uint64_t attempts = 0;         // started
  double cpu_seconds = 0;        // of the core, and of encoding its edits
  double virtual_seconds = 0;    // from the submission to the end
  uint64_t core_bytes = 0;       // on the heap when the last task is done
  uint64_t journal_bytes = 0;    // encoded edits
  double slowest_seconds = 0;    // of one event, or of what came with one heartbeat
  std::string slowest;           // which that was
};

class ScriptedCluster {
 public:
  explicit ScriptedCluster(const ScriptedClusterOptions& options);

  // Runs the job until it has ended, or nothing is left to happen. Once.
  void Run();

  // Whether the job has succeeded.
  bool succeeded() const { return succeeded_; }
  // What the core must not have done, one sentence each.
  std::vector<std::string> Complaints() const;
  const ScriptedClusterCosts& costs() const { return costs_; }
  const WinnerBook& book() const { return book_; }
  uint32_t workers_lost() const { return workers_lost_; }

 private:
  enum class State : uint8_t { kRuns, kFetches, kAsked };

  // An attempt as its worker sees it.
  struct Held {
    AttemptId attempt;
    TaskId task;
    State state = State::kRuns;
    int64_t since_us = 0;
    int64_t until_us = 0;
  };
  struct Worker {
    bool alive = true;
    std::vector<Held> held;
    uint32_t told_version = 0;
  };

  enum class What : uint8_t { kTick, kHeartbeat, kDone, kFetched, kFetchFailed, kBreak };
  struct Due {
    int64_t at_us = 0;
    uint64_t number = 0;  // first come first at one time
    What what = What::kTick;
    WorkerId worker;
    AttemptId attempt;
    uint32_t source = 0;                                 // of a failed fetch
    friend bool operator<(const Due& a, const Due& b) {  // the queue's top is the greatest
      return a.at_us != b.at_us ? a.at_us > b.at_us : a.number > b.number;
    }
  };

  void JoinWorkers();
  void Submit();
  void Schedule(Due due, int64_t in_us);
  void Happens(const Due& due);
  void Happens(const Event& event) { Happen({event}); }
  void Happen(const std::vector<Event>& events);
  std::vector<Decision> Decide(const std::vector<Event>& events);

  void On(const LaunchAttempt& action);
  void On(const GrantSlot& action);
  void On(const CancelAttempt& action);
  void On(const PublishSources& action);
  void On(const PublishJob& action);
  void On(const WakeAt& action);
  template <typename Other>
  void On(const Other&) {}

  void Beat(WorkerId id);
  void Report(WorkerId id, const AttemptId& attempt);
  void AskForSlot(WorkerId id, const AttemptId& attempt);
  void FailToFetch(const Due& due);
  void LoseOneIfItIsTime();
  void Lose(WorkerId id);
  void LetReducesMiss(WorkerId lost);

  Worker& worker(WorkerId id) { return workers_[id.value() - 1]; }
  Held* Find(WorkerId id, const AttemptId& attempt);
  void Remove(WorkerId id, const AttemptId& attempt);
  void CheckRoom(WorkerId id);
  uint64_t Random(uint64_t below) { return random_() % below; }
  int64_t Between(int64_t least_us, int64_t most_us);

  const ScriptedClusterOptions options_;
  std::unique_ptr<MasterCore> core_;
  CoreChecker checker_;
  WinnerBook book_;
  std::mt19937_64 random_;
  std::vector<Worker> workers_;
  std::vector<WorkerId> victims_;  // in the order in which they are to be lost, last first
  uint32_t workers_lost_ = 0;
  std::priority_queue<Due> queue_;
  uint64_t scheduled_ = 0;
  int64_t now_us_ = 0;
  int64_t wake_us_ = -1;  // when the core wants its tick; -1: it wants none
  bool publish_ = false;
  bool succeeded_ = false;
  std::string encoded_;
  std::vector<std::string> complaints_;
  ScriptedClusterCosts costs_;
};

}  // namespace millrace

#endif  // MILLRACE_TESTS_BENCH_SCRIPTED_CLUSTER_H_
