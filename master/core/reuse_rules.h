// Map outputs of jobs that succeeded are used again by later jobs whose maps would give the same.
//
//   * A job that is accepted takes, for each of its maps, the output with the same fingerprint if
//     there is one and its worker is there: the map is done then, without an attempt.
//   * When a job succeeds, its workers retain its map outputs; those that it took are the newest
//     again. What is over the limit is dropped, oldest first, but nothing that is in use.
//   * A worker is told what to retain before it is told to release the job. What it brings along
//     when it registers again, and nobody knows, it is told to drop.
//   * What could not be read is not offered any more; the map runs again as any other.
//
// What is retained is not journalled: after a restart of the master only what unfinished jobs use
// is known, and workers drop the rest.
#ifndef MILLRACE_MASTER_CORE_REUSE_RULES_H_
#define MILLRACE_MASTER_CORE_REUSE_RULES_H_

#include <vector>

#include "absl/container/btree_set.h"
#include "master/core/events.h"
#include "master/core/output_cache.h"
#include "master/core/turn.h"

namespace millrace {

class ReuseRules {
 public:
  explicit ReuseRules(Turn* turn)
      : turn_(*turn),
        cache_({turn->options().reuse_bytes_max, turn->options().reuse_outputs_max}) {}

  // Whether a job like this one takes and leaves outputs.
  bool Applies(const JobSubmitted& event) const;
  // `job` was accepted just now.
  void TakeFor(JobRecord* job);
  // `job` has succeeded; before its end is a fact and its workers release it.
  void RetainOutputsOf(const JobRecord& job);
  // `job` ends, however: it reads nothing any more. Before its end is a fact.
  void LetGo(const JobRecord& job);
  // The output of a map of `job`, which is done, is lost to it.
  void OnOutputLost(const JobRecord& job, uint32_t map_index);

  void On(const WorkerJoined& event);
  void OnWorkerLost(WorkerId worker) { cache_.ForgetWorker(worker); }
  // What unfinished jobs of a former master use.
  void Recover();
  // Tells workers what they need not retain any more; once at the end of a turn.
  void TellDropped();

  const OutputCache& cache() const { return cache_; }

 private:
  RetainedOutput OutputOf(const JobRecord& job, uint32_t map_index) const;

  Turn& turn_;
  OutputCache cache_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_REUSE_RULES_H_
