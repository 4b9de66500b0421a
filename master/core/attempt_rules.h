// What the end of an attempt means: who has won a task, what is tried again, what fails the job.
//
//   * The first success of a task wins; later ones are superseded. Only the attempt's own worker,
//     while it is not lost, can report it; everything else is stale and counted.
//   * Only failures of user code count against the job's limit; every other cause has a limit of
//     its own per task, and the error then names the chain of causes.
//   * A worker that could not run an attempt (no space, no memory) gets none of that job for a
//     while, so that a sick one does not use up a task's limit while healthy ones are busy; one
//     that never can (noexec, another machine type) gets none at all.
//   * A map output that is gone makes its map run again while some reduce is unfinished. If the
//     second run differs, no two reduces may have seen different runs: reduces that run start over,
//     and if one is done already the job fails as a non-deterministic map.
#ifndef MILLRACE_MASTER_CORE_ATTEMPT_RULES_H_
#define MILLRACE_MASTER_CORE_ATTEMPT_RULES_H_

#include <string>

#include "master/core/events.h"
#include "master/core/job_rules.h"
#include "master/core/loss_note.h"
#include "master/core/reach.h"
#include "master/core/reuse_rules.h"
#include "master/core/skip_rules.h"
#include "master/core/turn.h"

namespace millrace {

class AttemptRules {
 public:
  AttemptRules(Turn* turn, JobRules* jobs)
      : turn_(*turn), jobs_(*jobs), skips_(turn, jobs), reach_(turn) {}

  void On(const AttemptReported& event);
  void On(const SourcesReady& event);
  void On(const ProgressReported& event);
  void On(const OutputMissed& event);

  // The attempt runs on a worker that does not know it, or is lost. May fail the job.
  void LoseAttempt(const AttemptId& attempt, LossNote* loss);
  // The attempt, which runs, gets nothing done: it is stopped. May fail the job.
  void TimeOut(const AttemptId& attempt);
  // The output of a finished map is gone. May fail the job. Does nothing for an output that nobody
  // can need any more.
  void LoseOutput(JobId job, uint32_t map_index, LossNote* loss);
  // Whether `attempt` has won its task, and its output is still the current one.
  bool IsWinner(const TaskId& task, const AttemptId& attempt) const;

  ReuseRules& reuse() { return jobs_.reuse(); }
  uint64_t stale_reports() const { return stale_reports_; }

 private:
  // Null unless the attempt runs, on that worker.
  const RunningAttempt* FindReported(WorkerId worker, const AttemptId& attempt) const;
  void AnswerUnexpected(const AttemptReported& event);
  void AcceptSuccess(const AttemptReported& event, const RunningAttempt& attempt);
  void AcceptFailure(const AttemptReported& event, const RunningAttempt& attempt);
  // Notes what a unit of work cost `winner`, and whether its worker keeps up.
  void NotePace(JobRecord* job, const RunningAttempt& winner, const AttemptStats& stats);
  void SupersedeOthers(JobRecord* job, const RunningAttempt& winner);
  void RestartReduces(JobRecord* job);
  // The source that a reduce could not read is given up if it is gone or damaged. If only its
  // worker cannot be reached, the reduce goes to one that reaches it; only when there is none, all
  // that the job has there is given up.
  void LoseFailedSource(const AttemptReported& event, LossNote* loss);
  // Likewise for the part of another job that a map could not read: it is made again.
  void LosePart(const TaskId& reduce, const AttemptId& attempt, LossNote* loss);
  void LoseOutputsOn(WorkerId worker, JobId job, LossNote* loss);
  void FailForNonDeterministicMap(JobRecord* job, const TaskId& task, const AttemptId& attempt);
  // The worker could not run an attempt of the job: others come first for a while.
  void Pause(WorkerId worker, JobRecord* job, const TaskId& task);
  // The worker can never run the job. Fails the job if that goes for all workers.
  void Exclude(WorkerId worker, JobRecord* job, const TaskId& task);
  // Fails the job if `task` has used up one of its limits.
  void CheckLimits(JobRecord* job, const TaskId& task);
  void Answer(const AttemptReported& event, OutcomeReply reply);

  Turn& turn_;
  JobRules& jobs_;
  SkipRules skips_;
  Reach reach_;
  uint64_t stale_reports_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_ATTEMPT_RULES_H_
