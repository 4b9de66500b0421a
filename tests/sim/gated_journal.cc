#include "tests/sim/gated_journal.h"

#include <utility>

#include "glog/logging.h"
#include "mapreduce/status_macros.h"

namespace millrace::sim {

absl::Status GatedJournal::MayWrite() {
  if (!life_.Step()) return absl::UnavailableError("the master has been killed");
  if (disk_.broken) return absl::DataLossError("/state/journal.db: the device failed");
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> GatedJournal::Append(const std::vector<JournalEntry>& entries) {
  MILLRACE_RETURN_IF_ERROR(MayWrite());
  for (const JournalEntry& entry : entries) {
    life_.world().trace().Mix(entry.bytes);
    absl::StatusOr<JobEdit> edit = DecodeEdit(entry.bytes);
    CHECK(edit.ok()) << edit.status();
    life_.world().Note(life_.name(), DebugString(*edit));
    disk_.unsynced.push_back(*std::move(edit));
  }
  return disk_.journal.Append(entries);
}

absl::Status GatedJournal::Sync() {
  MILLRACE_RETURN_IF_ERROR(MayWrite());
  for (JobEdit& edit : disk_.unsynced) disk_.history.push_back(std::move(edit));
  disk_.unsynced.clear();
  return disk_.journal.Sync();
}

absl::Status GatedJournal::ReadAll(const Taker& take) { return disk_.journal.ReadAll(take); }

absl::Status GatedJournal::Replace(uint64_t topic, std::string_view bytes) {
  MILLRACE_RETURN_IF_ERROR(MayWrite());
  return disk_.journal.Replace(topic, bytes);
}

absl::Status GatedJournal::Remove(uint64_t topic) {
  MILLRACE_RETURN_IF_ERROR(MayWrite());
  return disk_.journal.Remove(topic);
}

}  // namespace millrace::sim
