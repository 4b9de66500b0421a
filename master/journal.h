// The master's memory: a list of opaque entries that survives the process, in the order appended.
//
// An entry belongs to a topic (a job, a worker); all entries of a topic can be replaced by one, or
// removed, when its story is over, so the journal grows with what is unfinished, not with time.
//
// Promises: after Sync has returned OK, everything done before survives a crash of process and
// machine. Without it a tail of the latest calls may be lost, never something earlier than what is
// kept. A failed call leaves the journal unusable (every later call fails with the same status):
// after a failed sync nobody knows what is on disk, so the owner stops and recovers from it.
//
// Everything blocks. One thread at a time.
#ifndef MILLRACE_MASTER_JOURNAL_H_
#define MILLRACE_MASTER_JOURNAL_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace {

struct JournalEntry {
  uint64_t topic = 0;
  std::string bytes;
};

class Journal {
 public:
  virtual ~Journal() = default;

  // Adds `entries` after all others. Returns the sequence number of the last one; numbers grow by
  // one per entry and are never reused.
  virtual absl::StatusOr<uint64_t> Append(const std::vector<JournalEntry>& entries) = 0;

  // Makes everything so far durable. Costs nothing when it already is.
  virtual absl::Status Sync() = 0;

  // Hands every entry to `take`, in order. Stops at the first error of `take` and returns it.
  using Taker = std::function<absl::Status(uint64_t sequence, const JournalEntry& entry)>;
  virtual absl::Status ReadAll(const Taker& take) = 0;

  // Removes all entries of `topic` and appends `bytes` in their stead.
  virtual absl::Status Replace(uint64_t topic, std::string_view bytes) = 0;

  // Removes all entries of `topic`; none is fine.
  virtual absl::Status Remove(uint64_t topic) = 0;

  // Syncs and lets go of the file. Nothing but destruction may follow.
  virtual absl::Status Close() = 0;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_JOURNAL_H_
