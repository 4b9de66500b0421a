// One entry of a job's recovery ledger: what was lost, how that was noticed, what it cost, and how
// much was done again because of it. A plain value.
#ifndef MILLRACE_RPC_RECOVERY_ENTRY_H_
#define MILLRACE_RPC_RECOVERY_ENTRY_H_

#include <cstdint>
#include <string>

namespace millrace {

enum class LossKind : uint8_t {
  kWorkerLost = 0,
  kOutputLost = 1,       // a map output was damaged, gone, or could not be fetched
  kAttemptTimedOut = 2,  // it made no progress
  kWorkerFailed = 3,     // a worker could not run an attempt: no space, no memory
  kMissingOnReturn = 4,  // a worker came back without some of what it had
  kPeerUnreachable = 5,  // a worker cannot fetch from another
};
constexpr int kLossKindCount = 6;

enum class NoticedBy : uint8_t {
  kConnectionClosed = 0,  // and not opened again within the grace
  kLeaseRanOut = 1,       // no heartbeat
  kGoodbye = 2,           // the worker said that it leaves
  kFetchFailed = 3,
  kChecksumMismatch = 4,     // of an output that a reduce has read
  kReportedMissing = 5,      // the worker says, or does not list, what it should have
  kNotBackAfterRestart = 6,  // of the master
  kNoProgress = 7,
  kReport = 8,  // the worker's report on the attempt
};
constexpr int kNoticedByCount = 9;

// Names for people, JSON and logs: "worker_lost", "connection_closed", ...
const char* Name(LossKind what);
const char* Name(NoticedBy noticed_by);

struct RecoveryEntry {
  LossKind what = LossKind::kWorkerLost;
  NoticedBy noticed_by = NoticedBy::kConnectionClosed;
  int64_t wall_us = 0;         // when it was noticed
  std::string subject;         // whom or what it befell: "w2", "map-00007 on w2",
                               // "w3 cannot fetch from w1"
  uint32_t attempts_lost = 0;  // that were running
  uint32_t outputs_lost = 0;   // of finished maps
  // What the attempts took that made good for it, each counted once: the entry that undid a task
  // first has it.
  uint64_t cpu_us_again = 0;
  uint64_t bytes_again = 0;  // read by maps and reduces
};

}  // namespace millrace

#endif  // MILLRACE_RPC_RECOVERY_ENTRY_H_
