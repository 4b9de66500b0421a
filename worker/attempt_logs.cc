#include "worker/attempt_logs.h"

#include <utility>

namespace millrace {

void AttemptLogs::Keep(const AttemptId& attempt, AttemptLog log) {
  log.text.shrink_to_fit();
  const auto [kept, is_new] = logs_.try_emplace(attempt);
  if (is_new) order_.push_back(attempt);
  bytes_ += log.text.size();
  bytes_ -= kept->second.text.size();
  kept->second = std::move(log);
  while (bytes_ > limits_.bytes || order_.size() > limits_.logs) DropOldest();
}

AttemptLog AttemptLogs::Find(const AttemptId& attempt) const {
  const auto found = logs_.find(attempt);
  return found == logs_.end() ? AttemptLog() : found->second;
}

void AttemptLogs::Clear() {
  logs_.clear();
  order_.clear();
  bytes_ = 0;
}

void AttemptLogs::DropOldest() {
  const auto oldest = logs_.find(order_.front());
  bytes_ -= oldest->second.text.size();
  logs_.erase(oldest);
  order_.pop_front();
}

}  // namespace millrace
