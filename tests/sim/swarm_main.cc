// Runs seeds of the swarm one after the other and stops at the first that finds something.
//
//   swarm --first_seed=1 --seeds=1000
//   swarm --first_seed=77 --seeds=1 --print_trace     replays one
//
// The last line is `N seeds passed, N failed`. Exit code 1: a seed failed.
#include <gflags/gflags.h>
#include <glog/logging.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/swarm.h"

DEFINE_uint64(first_seed, 1, "the first seed to run");
DEFINE_uint64(seeds, 1000, "how many seeds to run");
DEFINE_bool(print_trace, false, "print what happens, line by line");
DEFINE_bool(check_determinism, false, "run every seed twice and compare the trace hashes");
DEFINE_bool(keep_going, false, "go on after a seed that failed");

namespace {

uint64_t seed_now = 0;

void PrintReplay(std::FILE* to) {
  std::fprintf(to,
               "replay: bazel run //tests/sim:swarm -- --first_seed=%llu --seeds=1 --print_trace\n",
               static_cast<unsigned long long>(seed_now));
}

// A failed CHECK in the code under test is a finding like any other.
__attribute__((noreturn)) void OnCrash() {  // as glog spells it
  std::fprintf(stderr, "seed %llu crashed\n", static_cast<unsigned long long>(seed_now));
  PrintReplay(stderr);
  std::fflush(stderr);
  std::_Exit(1);
}

double CpuSeconds() {
  timespec time = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Totals {
  std::map<std::string, int> faults;
  uint64_t outputs_reused = 0;
  uint64_t parts_made_again = 0;
};

bool RunOne(Totals* totals) {
  millrace::sim::SeedResult result = millrace::sim::RunSeed(seed_now, FLAGS_print_trace);
  for (const auto& [kind, count] : result.faults) totals->faults[kind] += count;
  totals->outputs_reused += result.outputs_reused;
  totals->parts_made_again += result.parts_made_again;
  if (FLAGS_check_determinism) {
    const uint64_t again = millrace::sim::RunSeed(seed_now, /*print_trace=*/false).trace_hash;
    if (again != result.trace_hash) result.complaints += "\ntwo runs gave different traces";
  }
  if (FLAGS_print_trace) {
    std::printf("trace hash %016llx\n", static_cast<unsigned long long>(result.trace_hash));
  }
  if (result.complaints.empty()) return true;
  std::printf("seed %llu failed:\n%s\n", static_cast<unsigned long long>(seed_now),
              result.complaints.c_str());
  PrintReplay(stdout);
  std::fflush(stdout);
  return false;
}

void PrintSummary(std::vector<double> costs, const std::map<std::string, int>& faults) {
  std::printf("faults that struck:");
  for (const auto& [kind, count] : faults) std::printf(" %s=%d", kind.c_str(), count);
  std::sort(costs.begin(), costs.end());
  if (!costs.empty()) {
    std::printf("\nCPU a seed: median %.1f ms, 99 %% %.1f ms\n", costs[costs.size() / 2] * 1e3,
                costs[costs.size() * 99 / 100] * 1e3);
  }
}

}  // namespace

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, /*remove_flags=*/true);
  google::InitGoogleLogging(argv[0]);
  google::InstallFailureFunction(&OnCrash);
  FLAGS_logtostderr = true;
  // The code under test reports every fault that strikes it.
  FLAGS_minloglevel = FLAGS_print_trace ? google::INFO : google::FATAL;

  uint64_t passed = 0;
  uint64_t failed = 0;
  std::vector<double> costs;
  Totals totals;
  for (uint64_t i = 0; i < FLAGS_seeds && (failed == 0 || FLAGS_keep_going); ++i) {
    seed_now = FLAGS_first_seed + i;
    const double before = CpuSeconds();
    ++(RunOne(&totals) ? passed : failed);
    costs.push_back(CpuSeconds() - before);
  }
  PrintSummary(std::move(costs), totals.faults);
  std::printf("map outputs reused: %llu, parts of chains made again: %llu\n",
              static_cast<unsigned long long>(totals.outputs_reused),
              static_cast<unsigned long long>(totals.parts_made_again));
  std::printf("%llu seeds passed, %llu failed\n", static_cast<unsigned long long>(passed),
              static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}
