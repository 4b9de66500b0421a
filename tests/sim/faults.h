// Everything that can go wrong in a simulated cluster, and a source of it.
#ifndef MILLRACE_TESTS_SIM_FAULTS_H_
#define MILLRACE_TESTS_SIM_FAULTS_H_

#include <map>
#include <string>
#include <vector>

#include "tests/sim/cluster.h"
#include "tests/sim/random.h"

namespace millrace::sim {

// Strikes a cluster at random, with the kinds of fault and the rate that one seed has drawn: a seed
// with few kinds looks deeper into each than one with all of them.
class FaultSource {
 public:
  FaultSource(Cluster& cluster, Random random);

  // Lets faults strike until Stop.
  void Start();
  void Stop() { stopped_ = true; }

  // Faults that found a victim so far, by kind.
  const std::map<std::string, int>& struck() const { return struck_; }

 private:
  struct Kind {
    const char* name;
    bool (FaultSource::*strike)();  // false: there was no victim
    bool kills_workers = false;
  };

  static const std::vector<Kind>& Kinds();
  void StrikeLater();
  void StrikeNow();

  bool KillWorker();
  bool KillWorkerSoon();
  bool StopWorker();
  bool PowerOffWorker();
  bool DrainWorker();
  bool KillMaster();
  bool KillMasterSoon();
  bool StopMaster();
  bool BreakJournal();
  bool CutOneWay();
  bool PartTwo();
  bool IsolateOne();
  bool ClogLink();
  bool ResetLink();
  bool DuplicateConnections();
  bool DamageRun();
  bool FillDisk();
  bool SlowDisk();
  bool KillClient();
  bool CancelJob();
  bool SubmitTwice();

  SimProcess* RunningWorker();
  std::string AnyHost();
  kj::Duration DrawPause();
  void RestartLater(const std::string& worker);
  void RestartMasterLater();
  void DieInTheMiddle(SimProcess& victim);
  void HealLater();

  Cluster& cluster_;
  Random random_;
  std::vector<Kind> kinds_;
  kj::Duration interval_ = 1 * kj::SECONDS;
  bool stopped_ = false;
  int deaths_ = 0;  // of workers
  std::map<std::string, int> struck_;
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_FAULTS_H_
