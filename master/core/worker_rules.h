// Workers come, fall silent, go and come back; this says what that means for their attempts and
// their map outputs.
//
// A worker whose connection broke is suspect: nothing is sent to it, nothing is taken from it, and
// if it registers again within a grace it goes on where it was. After that, or after a lease of
// silence, it is lost: its attempts run elsewhere, and its finished maps run again as far as an
// unfinished reduce needs them.
#ifndef MILLRACE_MASTER_CORE_WORKER_RULES_H_
#define MILLRACE_MASTER_CORE_WORKER_RULES_H_

#include "master/core/attempt_rules.h"
#include "master/core/events.h"
#include "master/core/leases.h"
#include "master/core/loss_note.h"
#include "master/core/reuse_rules.h"
#include "master/core/turn.h"

namespace millrace {

class WorkerRules {
 public:
  WorkerRules(Turn* turn, Leases* leases, AttemptRules* attempts)
      : turn_(*turn), leases_(*leases), attempts_(*attempts) {}

  void On(const WorkerJoined& event);
  void On(const HeartbeatReceived& event);
  void On(const WorkerDisconnected& event);
  void On(const WorkerDraining& event);
  void On(const WorkerLeft& event);
  void On(const MasterStalled& event);

  // Loses the workers whose lease or grace has ended.
  void LoseExpired();
  // Gives the workers that the journal knows one lease to come back; what they run goes on.
  void Recover();

  uint64_t joined() const { return joined_; }
  uint64_t lost() const { return lost_; }

 private:
  void Lose(WorkerId worker, NoticedBy noticed_by);
  void BoundLostWorkers();
  // Compares what a worker says it has with what we believe it has.
  void ReconcileJobs(WorkerRecord* worker, const WorkerJoined& event);
  void ReconcileAttempts(WorkerRecord* worker, const WorkerJoined& event, LossNote* missing);
  void ReconcileOutputs(WorkerRecord* worker, const WorkerJoined& event, LossNote* missing);

  Turn& turn_;
  Leases& leases_;
  AttemptRules& attempts_;
  uint64_t joined_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_WORKER_RULES_H_
