// A master's journal that outlives the master: what was synced is there for the next one, and the
// checkers see every edit in the order in which it was written.
#ifndef MILLRACE_TESTS_SIM_GATED_JOURNAL_H_
#define MILLRACE_TESTS_SIM_GATED_JOURNAL_H_

#include <string>
#include <vector>

#include "master/core/edits.h"
#include "master/memory_journal.h"
#include "tests/sim/world.h"

namespace millrace::sim {

// The disk with the journal on it.
struct JournalDisk {
  MemoryJournal journal;
  uint64_t epoch = 0;  // of the last master that was started on it
  // From now on appending or syncing fails, as with a full or broken disk.
  bool broken = false;
  // Everything that was ever synced, as it was decided.
  std::vector<JobEdit> history;
  // Decided, and lost if the master is killed now.
  std::vector<JobEdit> unsynced;
};

// One master's access to it; does nothing any more when the master has been killed.
class GatedJournal final : public Journal {
 public:
  GatedJournal(Life& life, JournalDisk& disk) : life_(life), disk_(disk) {}

  absl::StatusOr<uint64_t> Append(const std::vector<JournalEntry>& entries) override;
  absl::Status Sync() override;
  absl::Status ReadAll(const Taker& take) override;
  absl::Status Replace(uint64_t topic, std::string_view bytes) override;
  absl::Status Remove(uint64_t topic) override;
  absl::Status Close() override { return Sync(); }

 private:
  absl::Status MayWrite();

  Life& life_;
  JournalDisk& disk_;
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_GATED_JOURNAL_H_
