// The parts of the core and how an event goes through them: its rule, then the scheduler, then
// backups in the room that is left, then the next alarm.
#ifndef MILLRACE_MASTER_CORE_CORE_STATE_H_
#define MILLRACE_MASTER_CORE_CORE_STATE_H_

#include "master/core/attempt_rules.h"
#include "master/core/cluster_state.h"
#include "master/core/events.h"
#include "master/core/job_rules.h"
#include "master/core/leases.h"
#include "master/core/output_cache.h"
#include "master/core/scheduler.h"
#include "master/core/stragglers.h"
#include "master/core/turn.h"
#include "master/core/worker_rules.h"

namespace millrace {

class CoreState {
 public:
  explicit CoreState(const CoreOptions& options) : options_(options), cluster_(options.epoch) {}

  Decision OnEvent(CoreTime now, const Event& event);
  void Apply(const JobEdit& edit) { cluster_.Apply(edit); }

  const ClusterState& cluster() const { return cluster_; }
  const AttemptRules& attempts() const { return attempts_; }
  const OutputCache& outputs() const { return jobs_.reuse().cache(); }
  const WorkerRules& workers() const { return workers_; }

 private:
  // What each kind of event is about.
  void On(const JobSubmitted& event) { jobs_.On(event); }
  void On(const CancelRequested& event) { jobs_.On(event); }
  void On(const JobPublished& event) { jobs_.On(event); }
  void On(const AttemptReported& event) { attempts_.On(event); }
  void On(const SourcesReady& event) { attempts_.On(event); }
  void On(const ProgressReported& event) { attempts_.On(event); }
  void On(const OutputMissed& event) { attempts_.On(event); }
  void On(const WorkerJoined& event) { workers_.On(event); }
  void On(const HeartbeatReceived& event) { workers_.On(event); }
  void On(const WorkerDisconnected& event) { workers_.On(event); }
  void On(const WorkerDraining& event) { workers_.On(event); }
  void On(const WorkerLeft& event) { workers_.On(event); }
  void On(const MasterStalled& event) { workers_.On(event); }
  void On(const Tick& event);
  void On(const MasterStarted& event);

  const CoreOptions options_;
  ClusterState cluster_;
  Turn turn_{&options_, &cluster_};
  Leases leases_{&turn_};
  JobRules jobs_{&turn_};
  AttemptRules attempts_{&turn_, &jobs_};
  WorkerRules workers_{&turn_, &leases_, &attempts_};
  Scheduler scheduler_{&turn_};
  Stragglers stragglers_{&turn_, &attempts_, &scheduler_};
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_CORE_STATE_H_
