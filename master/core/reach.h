// Which workers cannot fetch from each other, as far as reduces have found out, and who is fit to
// read a job's map outputs then.
//
// Two workers that cannot reach each other may both be healthy, so nobody is declared lost: for a
// while, reduces of a job go to workers that reach every worker that holds outputs of it. Outputs
// are made again only when there is none, or when a second worker cannot reach the holder. A cut is
// taken to go both ways. What is known is in no edit: a new master finds it out again.
#ifndef MILLRACE_MASTER_CORE_REACH_H_
#define MILLRACE_MASTER_CORE_REACH_H_

#include <cstddef>

#include "master/core/turn.h"

namespace millrace {

class Reach {
 public:
  explicit Reach(Turn* turn) : turn_(*turn), cluster_(turn->cluster()) {}

  // A reduce on `reader` could not reach `holder`, which has an output that it needs.
  void NoteCut(WorkerId reader, WorkerId holder);

  // How many workers are known to be cut off from it.
  size_t CutsOf(WorkerId worker) const;
  // Whether the worker is cut off from another one that holds outputs of the job.
  bool IsApart(const JobRecord& job, WorkerId worker) const;
  // Whether some worker that may run the job, now or when it is back in a moment, is not apart.
  bool SomebodyReachesAll(const JobRecord& job) const;

 private:
  bool MayRun(const JobRecord& job, const WorkerRecord& worker) const;
  bool Holds(const JobRecord& job, WorkerId worker) const;
  void Note(WorkerId one, WorkerId other);

  Turn& turn_;
  ClusterState& cluster_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_REACH_H_
