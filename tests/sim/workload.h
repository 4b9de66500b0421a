// What simulated clusters work on: jobs, their input, and what their output must be.
//
// The expected output comes from the sequential oracle, which shares no code with the engine.
#ifndef MILLRACE_TESTS_SIM_WORKLOAD_H_
#define MILLRACE_TESTS_SIM_WORKLOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "mapreduce/job.h"
#include "tests/sim/random.h"

namespace millrace::sim {

enum class Program : uint8_t {
  kCount,  // words and how often they occur, summed by the engine
  kIndex,  // words and the first words of the lines they occur in, in input order
  kCopy,   // each line with its first word as key; map only
};
constexpr int kProgramCount = 3;

const char* Name(Program program);

// The jobs as their binary would describe them: `program` alone, or with one that counts how often
// each of its values occurs.
const std::vector<JobDescription>& Describe(Program program, bool chained);

struct Workload {
  Program program = Program::kCount;
  std::vector<std::string> files;  // contents, in input order
  uint32_t reducers = 2;
  uint64_t split_bytes = 200;
  bool chained = false;
};

// A line that begins so makes user code throw.
constexpr char kBadLine[] = "bad ";

Workload DrawWorkload(Random& random);
// Makes some lines bad.
void DrawBadLines(Workload* workload, Random& random);

struct BadLine {
  size_t file = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;  // with its end
};
std::vector<BadLine> BadLines(const Workload& workload);

// Bad lines give no output, and are not counted.
// The lines of all parts: sorted for a job with parts, in input order for one without.
std::vector<std::string> ExpectedOutput(const Workload& workload);
// What the user counter "lines/seen" must say.
int64_t ExpectedLines(const Workload& workload);

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_WORKLOAD_H_
