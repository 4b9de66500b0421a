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
  Entry& entry = Add(output);
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
  Entry& entry = Add(output);
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
  Erase(attempt);
}

void OutputCache::ForgetWorker(WorkerId worker) {
  for (const RetainedOutput& output : OutputsOn(worker)) Forget(output.attempt);
  dropped_.erase(worker);
}

std::vector<RetainedOutput> OutputCache::OutputsOn(WorkerId worker) const {
  std::vector<RetainedOutput> outputs;
  const auto found = on_worker_.find(worker);
  if (found == on_worker_.end()) return outputs;
  for (const AttemptId& attempt : found->second) outputs.push_back(entries_.at(attempt).output);
  return outputs;
}

std::vector<RetainedOutput> OutputCache::Outputs() const {
  std::vector<RetainedOutput> outputs;
  for (const auto& [attempt, entry] : entries_) outputs.push_back(entry.output);
  return outputs;
}

OutputCache::Entry& OutputCache::Add(const RetainedOutput& output) {
  const auto [entry, added] = entries_.try_emplace(output.attempt);
  if (added) {
    entry->second.output = output;
    on_worker_[output.worker].insert(output.attempt);
  }
  return entry->second;
}

void OutputCache::Erase(const AttemptId& attempt) {
  const auto entry = entries_.find(attempt);
  const auto on_worker = on_worker_.find(entry->second.output.worker);
  on_worker->second.erase(attempt);
  if (on_worker->second.empty()) on_worker_.erase(on_worker);
  entries_.erase(entry);
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
  Erase(attempt);
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
