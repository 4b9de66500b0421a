// A journal in memory: for clusters that live no longer than one job, and for simulation, where
// Crash() loses what a real crash may lose.
#ifndef MILLRACE_MASTER_MEMORY_JOURNAL_H_
#define MILLRACE_MASTER_MEMORY_JOURNAL_H_

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "master/journal.h"

namespace millrace {

class MemoryJournal : public Journal {
 public:
  absl::StatusOr<uint64_t> Append(const std::vector<JournalEntry>& entries) override;
  absl::Status Sync() override;
  absl::Status ReadAll(const Taker& take) override;
  absl::Status Replace(uint64_t topic, std::string_view bytes) override;
  absl::Status Remove(uint64_t topic) override;
  absl::Status Close() override;

  // Back to what the last Sync saw, and open again: the worst that a crash can do.
  void Crash();

  uint64_t sync_count() const { return sync_count_; }

 private:
  void Add(uint64_t topic, std::string_view bytes);
  void RemoveEntries(uint64_t topic);

  std::map<uint64_t, JournalEntry> entries_;  // by sequence number
  std::map<uint64_t, std::vector<uint64_t>> topics_;
  uint64_t last_sequence_ = 0;

  // How to get back to the last Sync: what was removed since, and the first number added since.
  std::vector<std::pair<uint64_t, JournalEntry>> removed_;
  uint64_t synced_sequence_ = 0;

  bool closed_ = false;
  uint64_t sync_count_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_MEMORY_JOURNAL_H_
