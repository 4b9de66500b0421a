#include "master/core/output_cache.h"

namespace millrace {

const RetainedOutput* OutputCache::Find(const Digest& fingerprint) const {
  const auto found = found_.find(KeyOf(fingerprint));
  return found == found_.end() ? nullptr : &entries_.at(found->second).output;
}

void OutputCache::Retain(const Digest& fingerprint, const RetainedOutput& output) {
  const Key key = KeyOf(fingerprint);
  if (const auto same = found_.find(key); same != found_.end()) {
    const AttemptId former = same->second;
    HideEntry(&entries_.at(former));
    if (former != output.attempt) DropIfUnneeded(former);
  }
  Entry& entry = entries_[output.attempt];
  if (entry.found) HideEntry(&entry);
  entry.output = output;
  entry.found = true;
  entry.key = key;
  entry.age = ++last_age_;
  found_[key] = output.attempt;
  bytes_ += output.stats.output_bytes;
  if (entry.users == 0) idle_[entry.age] = output.attempt;
  Evict();
}

void OutputCache::Use(const RetainedOutput& output) {
  Entry& entry = entries_[output.attempt];
  if (!entry.found && entry.users == 0) entry.output = output;
  ++entry.users;
  idle_.erase(entry.age);
}

void OutputCache::LetGo(const AttemptId& attempt) {
  const auto found = entries_.find(attempt);
  if (found == entries_.end()) return;  // went with its worker
  Entry& entry = found->second;
  if (entry.users > 0) --entry.users;
  if (entry.found && entry.users == 0) idle_[entry.age] = attempt;
  DropIfUnneeded(attempt);
  Evict();
}

void OutputCache::Hide(const AttemptId& attempt) {
  const auto found = entries_.find(attempt);
  if (found == entries_.end()) return;
  HideEntry(&found->second);
  DropIfUnneeded(attempt);
}

void OutputCache::Forget(const AttemptId& attempt) {
  const auto found = entries_.find(attempt);
  if (found == entries_.end()) return;
  HideEntry(&found->second);
  entries_.erase(found);
}

void OutputCache::ForgetWorker(WorkerId worker) {
  for (const RetainedOutput& output : OutputsOn(worker)) Forget(output.attempt);
  dropped_.erase(worker);
}

std::vector<RetainedOutput> OutputCache::OutputsOn(WorkerId worker) const {
  std::vector<RetainedOutput> outputs;
  for (const auto& [attempt, entry] : entries_) {
    if (entry.output.worker == worker) outputs.push_back(entry.output);
  }
  return outputs;
}

std::vector<RetainedOutput> OutputCache::Outputs() const {
  std::vector<RetainedOutput> outputs;
  for (const auto& [attempt, entry] : entries_) outputs.push_back(entry.output);
  return outputs;
}

void OutputCache::HideEntry(Entry* entry) {
  if (!entry->found) return;
  entry->found = false;
  found_.erase(entry->key);
  idle_.erase(entry->age);
  bytes_ -= entry->output.stats.output_bytes;
}

void OutputCache::DropIfUnneeded(const AttemptId& attempt) {
  const auto found = entries_.find(attempt);
  if (found == entries_.end() || found->second.found || found->second.users > 0) return;
  dropped_[found->second.output.worker].push_back({found->second.output.task, attempt});
  entries_.erase(found);
}

// What is in use counts, but only what is not can go.
void OutputCache::Evict() {
  while (!idle_.empty() && (bytes_ > limits_.bytes || found_.size() > limits_.outputs)) {
    const AttemptId oldest = idle_.begin()->second;
    HideEntry(&entries_.at(oldest));
    DropIfUnneeded(oldest);
  }
}

}  // namespace millrace
