#include "worker/attempt_table.h"

#include <glog/logging.h>

#include <algorithm>

namespace millrace {

AttemptTable::AttemptTable(const AttemptHost& host, uint32_t slots, Callbacks callbacks)
    : host_(host), slots_(slots), callbacks_(kj::mv(callbacks)), tasks_(*this) {}

void AttemptTable::Launch(AttemptSpec spec, const KnownJob* job) {
  if (attempts_.count(spec.attempt) != 0) return;
  if (job == nullptr) return Refuse(spec, "the worker does not know this job any more");
  if (attempts_.size() >= kMaxAttempts) return Refuse(spec, "the worker has too many attempts");
  VLOG(1) << "launching " << ToString(spec.attempt) << ": " << TaskName(spec.kind, spec.task.index)
          << " of " << spec.task.job;
  const AttemptId id = spec.attempt;
  auto run = kj::heap<AttemptRun>(host_, job->context, std::move(spec),
                                  static_cast<AttemptRun::Owner&>(*this));
  AttemptRun& attempt = *run;
  attempts_.emplace(id, kj::mv(run));
  attempt.Begin(*job);
}

void AttemptTable::Refuse(const AttemptSpec& spec, const std::string& why) {
  AttemptOutcome outcome;
  outcome.attempt = spec.attempt;
  outcome.task = spec.task;
  outcome.cause = Cause::kWorkerFailed;
  outcome.message = why;
  callbacks_.ended(std::move(outcome));
}

void AttemptTable::Grant(const AttemptId& attempt) {
  const auto found = attempts_.find(attempt);
  if (found != attempts_.end()) found->second->Grant();
}

void AttemptTable::Cancel(const AttemptId& attempt) {
  const auto found = attempts_.find(attempt);
  if (found != attempts_.end()) found->second->Cancel();
}

void AttemptTable::CancelJob(JobId job) {
  for (auto& [id, attempt] : attempts_) {
    if (attempt->spec().task.job == job) attempt->Cancel();
  }
}

void AttemptTable::CancelAll() {
  for (auto& [id, attempt] : attempts_) attempt->Cancel();
}

void AttemptTable::Publish(JobId job, uint64_t version, const std::vector<MapSource>& sources,
                           const std::map<WorkerId, ShuffleAddress>& addresses) {
  for (auto& [id, attempt] : attempts_) {
    if (attempt->spec().task.job == job) attempt->Publish(version, sources, addresses);
  }
}

std::vector<ListedAttempt> AttemptTable::Attempts() const {
  std::vector<ListedAttempt> all;
  for (const auto& [id, attempt] : attempts_) {
    if (attempt->cancelled()) continue;
    all.push_back(ListedAttempt{id, attempt->spec().task, attempt->granted()});
  }
  return all;
}

std::vector<std::pair<AttemptId, AttemptProgress>> AttemptTable::Progress() {
  std::vector<std::pair<AttemptId, AttemptProgress>> all;
  for (auto& [id, attempt] : attempts_) {
    if (attempt->cancelled()) continue;
    all.emplace_back(id, attempt->progress());
    attempt->RefreshProgress();
  }
  return all;
}

AttemptLog AttemptTable::FindLog(const AttemptId& attempt) {
  const auto running = attempts_.find(attempt);
  return running == attempts_.end() ? logs_.Find(attempt) : running->second->log();
}

void AttemptTable::ForgetVersions() {
  for (auto& [id, attempt] : attempts_) attempt->ForgetVersion();
}

void AttemptTable::OnSourcesReady(const AttemptRun& attempt, uint64_t version) {
  callbacks_.sources_ready(attempt.spec().attempt, version);
}

void AttemptTable::OnWantsSlot(const AttemptRun& attempt) {
  waiting_.push_back(attempt.spec().attempt);
  GiveSlots();
}

void AttemptTable::GiveSlots() {
  while (running_ < slots_ && !waiting_.empty()) {
    const auto next = attempts_.find(waiting_.front());
    waiting_.pop_front();
    if (next == attempts_.end()) continue;
    ++running_;
    next->second->UseSlot();
  }
}

void AttemptTable::OnEnded(const AttemptRun& attempt, AttemptOutcome outcome) {
  const AttemptId id = attempt.spec().attempt;
  if (attempt.has_slot()) --running_;
  waiting_.erase(std::remove(waiting_.begin(), waiting_.end(), id), waiting_.end());
  logs_.Keep(id, FindLog(id));
  // The attempt is still on the stack.
  tasks_.add(kj::evalLater([this, id]() { Remove(id); }));
  if (outcome.cause != Cause::kCancelled) callbacks_.ended(std::move(outcome));
}

void AttemptTable::Remove(const AttemptId& attempt) {
  attempts_.erase(attempt);
  GiveSlots();
  if (attempts_.empty()) callbacks_.idle();
}

void AttemptTable::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "removing an attempt: " << exception.getDescription().cStr();
}

}  // namespace millrace
