#include "apps/secret_strings/word_balancer.h"

#include "glog/logging.h"

namespace millrace {

WordBalancer::WordBalancer(size_t servers, size_t words, size_t outstanding_max)
    : words_(words), outstanding_max_(outstanding_max), servers_(servers) {
  CHECK_GT(outstanding_max_, 0u);
}

void WordBalancer::Joined(size_t server) { servers_[server].joined = true; }

size_t WordBalancer::Lost(size_t server) {
  Server& lost = servers_[server];
  const size_t count = lost.words.size();
  returned_.merge(lost.words);
  CHECK(lost.words.empty()) << "a word was free and had";
  lost.joined = false;
  return count;
}

void WordBalancer::Answered(size_t server, size_t word) {
  CHECK_EQ(servers_[server].words.erase(word), 1u)
      << "server " << server << " answered word " << word << ", which it does not have";
  ++servers_[server].answered;
  ++answered_;
}

std::optional<Assignment> WordBalancer::Next() {
  if (returned_.empty() && next_ == words_) return std::nullopt;
  std::optional<size_t> best;
  for (size_t i = 0; i < servers_.size(); ++i) {
    if (!HasRoom(servers_[i])) continue;
    if (!best || outstanding(i) < outstanding(*best)) best = i;
  }
  if (!best) return std::nullopt;
  const size_t word = TakeFirstFree();
  servers_[*best].words.insert(word);
  return Assignment{*best, word};
}

size_t WordBalancer::TakeFirstFree() {
  if (returned_.empty()) return next_++;
  return returned_.extract(returned_.begin()).value();
}

}  // namespace millrace
