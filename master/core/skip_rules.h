// Which records of the input a job goes on without (JobPlan::skip_bad_records, off by default).
//
// An attempt of a map whose user code fails says at which record, even when it died of a signal
// (Dean & Ghemawat 2004, section 4.6: the last gasp). From then on:
//
//   * Attempts of that map get their records one by one, so that the next failure names its record
//     for certain, whatever the mapper does with a chunk.
//   * A record named for certain, after an earlier failure there, is skipped by all attempts that
//     follow. What it took to find it no longer counts against the task's limit of failures.
//   * One record more than the limit fails the job. So each task ends: it has at most
//     JobPlan::failures_max failures between two records, and a job skips at most so many.
//   * Attempts that still read in another way are cancelled: what is skipped and what is counted
//     must be the same thing. A map that was done once is never read in another way again, because
//     reduces may have seen its output.
#ifndef MILLRACE_MASTER_CORE_SKIP_RULES_H_
#define MILLRACE_MASTER_CORE_SKIP_RULES_H_

#include <string>

#include "master/core/job_rules.h"
#include "master/core/turn.h"
#include "storage/input_split.h"

namespace millrace {

class SkipRules {
 public:
  SkipRules(Turn* turn, JobRules* jobs) : turn_(*turn), jobs_(*jobs) {}

  // An input that is damaged at a place that can be stepped over is no reason to give the job up,
  // if it may skip records: it counts as a failure there. Else the cause of `outcome`.
  static Cause CauseOf(const JobRecord& job, const AttemptOutcome& outcome);
  // The place to journal with the end of an attempt: none unless it may matter here. What a job
  // reads of another is named by StepPartName.
  static InputRecord PlaceOf(const JobRecord& job, const AttemptOutcome& outcome);
  // User code of `task` has failed at `place`, which is journalled. May fail the job.
  void LookAtFailure(JobRecord* job, const TaskId& task, const InputRecord& place);
  // For the error of a task that has failed too often: why nothing was skipped instead. Empty in
  // jobs that may skip nothing.
  static std::string WhyNothingElse(const JobRecord& job, const TaskId& task);

 private:
  // Whether `record` is known for certain, has failed before, and is not skipped already.
  static bool IsBad(const Trouble& trouble, const InputRecord& record);
  void FailForTooMany(JobRecord* job, const TaskId& task, const InputRecord& record);
  void CancelAttempts(JobRecord* job, const TaskId& task);

  Turn& turn_;
  JobRules& jobs_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_SKIP_RULES_H_
