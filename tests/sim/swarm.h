// One simulation from one number: the seed chooses the cluster's shape, the jobs, and what goes
// wrong when.
//
// First phase: jobs come in and faults strike; safety is watched. Second phase: everything heals,
// and every job must end within a bounded time. Then all checkers look.
#ifndef MILLRACE_TESTS_SIM_SWARM_H_
#define MILLRACE_TESTS_SIM_SWARM_H_

#include <cstdint>
#include <map>
#include <string>

namespace millrace::sim {

struct SeedResult {
  std::string complaints;  // empty: all is well
  uint64_t trace_hash = 0;
  std::map<std::string, int> faults;  // that struck, by kind
  int jobs = 0;
  int jobs_succeeded = 0;
  uint64_t outputs_reused = 0;
  uint64_t parts_made_again = 0;  // between the jobs of a chain
  uint64_t turns = 0;
  double virtual_seconds = 0;
};

SeedResult RunSeed(uint64_t seed, bool print_trace);

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_SWARM_H_
