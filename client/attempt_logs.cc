#include "client/attempt_logs.h"

#include <algorithm>
#include <utility>

#include "rpc/wire_logs.h"

namespace millrace {
namespace {

// A worker that does not answer holds one of them up for seconds, and there may be many workers.
constexpr size_t kWorkersAtATime = 64;

}  // namespace

LogFetch::LogFetch(MasterLink& link, const std::vector<AttemptView>& attempts) : link_(link) {
  logs_.reserve(attempts.size());
  for (const AttemptView& attempt : attempts) {
    attempts_[attempt.worker].push_back(logs_.size());
    logs_.push_back(LoggedAttempt{attempt, AttemptLog(), ""});
  }
  next_ = attempts_.begin();
}

kj::Promise<std::vector<LoggedAttempt>> LogFetch::Run() {
  const size_t count = std::min(kWorkersAtATime, attempts_.size());
  auto lanes = kj::heapArrayBuilder<kj::Promise<void>>(count);
  for (size_t i = 0; i < count; ++i) lanes.add(AskWorkers());
  return kj::joinPromises(lanes.finish()).then([this]() { return std::move(logs_); });
}

kj::Promise<void> LogFetch::AskWorkers() {
  if (next_ == attempts_.end()) return kj::READY_NOW;
  const auto& [worker, attempts] = *next_++;
  return Ask(worker, attempts, /*first=*/0).then([this]() { return AskWorkers(); });
}

kj::Promise<void> LogFetch::Ask(WorkerId worker, const Indices& attempts, size_t first) {
  if (first >= attempts.size()) return kj::READY_NOW;
  std::vector<AttemptId> ids;
  const size_t end = std::min(attempts.size(), first + kMaxLogsPerCall);
  for (size_t i = first; i < end; ++i) ids.push_back(logs_[attempts[i]].attempt.attempt);
  return link_.LogsOf(worker, ids)
      .then([this, worker, &attempts, first](WorkerLogs answer) -> kj::Promise<void> {
        if (!Take(answer, attempts, first)) return kj::READY_NOW;
        return Ask(worker, attempts, first + answer.logs.size());
      });
}

bool LogFetch::Take(const WorkerLogs& answer, const Indices& attempts, size_t first) {
  if (answer.logs.empty()) {
    for (size_t i = first; i < attempts.size(); ++i) {
      logs_[attempts[i]].unavailable = answer.unavailable;
    }
    return false;
  }
  const size_t count = std::min(answer.logs.size(), attempts.size() - first);
  for (size_t i = 0; i < count; ++i) logs_[attempts[first + i]].log = answer.logs[i];
  return true;
}

}  // namespace millrace
