// What must be true at the end of every simulation, whatever happened in it.
//
// Each checker is a belief of its own, formed from what can be seen from outside: files, the
// journal as it was written, what clients were told. None shares code with what it checks; each
// returns its complaints, one sentence each.
//
//   CheckOutputs     the output is the oracle's, complete, as the manifest says; nothing is left of
//                    jobs that failed or were cancelled                       (I1, I3)
//   CheckJournal     one winner a task, no effect of a lost worker, epochs only grow, no more
//                    attempts than reasons, blame only where it belongs        (I2, I4, I6, I7,
//                    I14)
//   CheckFates       jobs fail only where they may, and say why; counters are exact; each lost
//                    attempt is in the recovery ledger                         (I5, I10, I11)
//   CheckReplay      the journal, read twice, gives the state that lives       (I8)
//   CheckClean       nothing is left on workers but what the master retains   (I9)
//   CheckNothingKept no map output is kept beyond its job                     (I9)
#ifndef MILLRACE_TESTS_SIM_CHECKERS_H_
#define MILLRACE_TESTS_SIM_CHECKERS_H_

#include <string>
#include <vector>

#include "tests/sim/cluster.h"

namespace millrace::sim {

using Complaints = std::vector<std::string>;

Complaints CheckOutputs(Cluster& cluster);
Complaints CheckJournal(const std::vector<JobEdit>& history, const UserCode& user_code);
Complaints CheckFates(Cluster& cluster);
Complaints CheckReplay(Cluster& cluster);
Complaints CheckClean(Cluster& cluster);
Complaints CheckNothingKept(Cluster& cluster);

// All of the above, on a cluster that was healed and has had time to clean up; lines, or "".
std::string Check(Cluster& cluster);

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_CHECKERS_H_
