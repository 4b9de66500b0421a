// Where the CPU time and the bytes of a job go, by phase of its work: for --profile.
//
// A profile travels as counters of the group "millrace.profile", so that, like them, it is a sum
// over the attempts that won.
#ifndef MILLRACE_RPC_PROFILE_H_
#define MILLRACE_RPC_PROFILE_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace millrace {

// What a thread or process works at. Bytes are those of its input, where not said otherwise.
enum class WorkPhase : uint8_t {
  kRead = 0,  // reading and decompressing input, finding its records
  kMap = 1,   // user code of maps, with its child processes
  kAggregate =
      2,         // taking emitted pairs into memory: into a table of totals, or a list (estimated)
  kSort = 3,     // partitioning, sorting and combining what is in memory; the bytes written
  kSpill = 4,    // writing runs: spills, and the output of a map; the bytes written
  kShuffle = 5,  // bringing map outputs to reduces
  kMerge = 6,    // merging spills, and sources of reduces
  kReduce = 7,   // user code of reduces, with its child processes
  kWrite = 8,    // writing parts of the output; the bytes written
  kControl = 9,  // whatever processes do beside attempts: to start, and to talk; no bytes
};
constexpr int kWorkPhaseCount = 10;

// "read", "map", ...
const char* Name(WorkPhase phase);

struct Profile {
  struct Share {
    uint64_t cpu_us = 0;
    uint64_t bytes = 0;
  };
  std::array<Share, kWorkPhaseCount> shares;
  uint64_t wait_us = 0;  // for which attempts had a slot and no CPU

  Share& operator[](WorkPhase phase) { return shares[static_cast<size_t>(phase)]; }
  const Share& operator[](WorkPhase phase) const { return shares[static_cast<size_t>(phase)]; }
  // Of all phases.
  uint64_t cpu_us() const;
};

inline constexpr char kProfileGroup[] = "millrace.profile/";

// Whether a counter is part of a profile.
bool IsOfProfile(std::string_view counter);

void AddToCounters(const Profile& profile, std::map<std::string, int64_t>* counters);
// What AddToCounters has put there, summed.
Profile ProfileIn(const std::map<std::string, int64_t>& counters);
// Whether there is one at all.
bool HasProfile(const std::map<std::string, int64_t>& counters);
// Leaves the other counters.
void EraseProfile(std::map<std::string, int64_t>* counters);

}  // namespace millrace

#endif  // MILLRACE_RPC_PROFILE_H_
