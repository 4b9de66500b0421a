// The life of a job: accepted or refused, published when its last stage is done, ended once, kept
// in a bounded history.
//
// In a chain each job but the first reads the parts of the one before it, and only those of the
// last are published. The others are held when they are complete, so that a part that is lost can
// be made again, until the last one begins to publish; if one of them fails or is cancelled, all
// do.
#ifndef MILLRACE_MASTER_CORE_JOB_RULES_H_
#define MILLRACE_MASTER_CORE_JOB_RULES_H_

#include <string>

#include "master/core/events.h"
#include "master/core/reuse_rules.h"
#include "master/core/turn.h"

namespace millrace {

class JobRules {
 public:
  explicit JobRules(Turn* turn) : turn_(*turn), reuse_(turn) {}

  void On(const JobSubmitted& event);
  void On(const CancelRequested& event);
  void On(const JobPublished& event);

  // Picks up what a former master left half done.
  void Recover();

  // Starts publishing when every task of the last stage is done.
  void PublishIfComplete(JobRecord* job);
  // Ends a job that runs or publishes, and its chain. Its tasks are gone afterwards.
  void Fail(JobRecord* job, const std::string& error) { EndChain(job, JobState::kFailed, error); }

  ReuseRules& reuse() { return reuse_; }
  const ReuseRules& reuse() const { return reuse_; }

 private:
  // Says why the job is not accepted, or that it was accepted before. False: accept it.
  bool AnswerWithoutNewJob(const JobSubmitted& event);
  // `before`: the job in front of it in a chain; not set: none.
  JobId Accept(const JobSubmitted& event, JobId before, bool feeds);
  void End(JobRecord* job, JobState state, const std::string& error);
  // Not succeeded, and so no other job of its chain either.
  void EndChain(JobRecord* job, JobState state, const std::string& error);
  // Those in front of `job`, whose parts nobody reads any more, have succeeded.
  void EndStepsBefore(const JobRecord& job);
  void CancelAttempts(JobRecord* job);
  void BoundHistory();

  Turn& turn_;
  ReuseRules reuse_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_JOB_RULES_H_
