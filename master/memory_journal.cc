#include "master/memory_journal.h"

#include <string>

#include "mapreduce/status_macros.h"

namespace millrace {
namespace {

absl::Status AlreadyClosed() {
  return absl::FailedPreconditionError("the journal in memory has been closed");
}

}  // namespace

absl::StatusOr<uint64_t> MemoryJournal::Append(const std::vector<JournalEntry>& entries) {
  if (closed_) return AlreadyClosed();
  for (const JournalEntry& entry : entries) Add(entry.topic, entry.bytes);
  return last_sequence_;
}

absl::Status MemoryJournal::Sync() {
  if (closed_) return AlreadyClosed();
  if (removed_.empty() && synced_sequence_ == last_sequence_) return absl::OkStatus();
  removed_.clear();
  synced_sequence_ = last_sequence_;
  ++sync_count_;
  return absl::OkStatus();
}

absl::Status MemoryJournal::ReadAll(const Taker& take) {
  if (closed_) return AlreadyClosed();
  for (const auto& [sequence, entry] : entries_) MILLRACE_RETURN_IF_ERROR(take(sequence, entry));
  return absl::OkStatus();
}

absl::Status MemoryJournal::Replace(uint64_t topic, std::string_view bytes) {
  if (closed_) return AlreadyClosed();
  RemoveEntries(topic);
  Add(topic, bytes);
  return absl::OkStatus();
}

absl::Status MemoryJournal::Remove(uint64_t topic) {
  if (closed_) return AlreadyClosed();
  RemoveEntries(topic);
  return absl::OkStatus();
}

absl::Status MemoryJournal::Close() {
  MILLRACE_RETURN_IF_ERROR(Sync());
  closed_ = true;
  return absl::OkStatus();
}

void MemoryJournal::Crash() {
  entries_.erase(entries_.upper_bound(synced_sequence_), entries_.end());
  for (auto& [sequence, entry] : removed_) {
    if (sequence <= synced_sequence_) entries_[sequence] = std::move(entry);
  }
  removed_.clear();
  topics_.clear();
  for (const auto& [sequence, entry] : entries_) topics_[entry.topic].push_back(sequence);
  closed_ = false;
}

void MemoryJournal::Add(uint64_t topic, std::string_view bytes) {
  entries_[++last_sequence_] = JournalEntry{topic, std::string(bytes)};
  topics_[topic].push_back(last_sequence_);
}

void MemoryJournal::RemoveEntries(uint64_t topic) {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return;
  for (uint64_t sequence : found->second) {
    const auto entry = entries_.find(sequence);
    removed_.emplace_back(sequence, std::move(entry->second));
    entries_.erase(entry);
  }
  topics_.erase(found);
}

}  // namespace millrace
