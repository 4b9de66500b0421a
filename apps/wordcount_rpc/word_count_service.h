// The word-count server, and the client's end of its one call.
//
// Lives on one event loop.
#ifndef MILLRACE_APPS_WORDCOUNT_RPC_WORD_COUNT_SERVICE_H_
#define MILLRACE_APPS_WORDCOUNT_RPC_WORD_COUNT_SERVICE_H_

#include <kj/async.h>
#include <kj/time.h>
#include <kj/timer.h>

#include <cstddef>
#include <functional>
#include <string_view>
#include <utility>

#include "apps/wordcount_rpc/word_counter.capnp.h"
#include "apps/wordcount_rpc/word_counts.h"
#include "rpc/call_scope.h"
#include "rpc/connection.h"

namespace millrace {

// So that the answer fits into a message, whatever the words are.
constexpr size_t kMaxTextBytes = 1 << 20;

class WordCountService {
 public:
  // Each count takes `takes`, for those who want to watch; any number of them run at a time.
  // `on_call` is told of each as it begins.
  WordCountService(
      kj::Timer& timer, kj::Duration takes, std::function<void()> on_call = [] {})
      : timer_(timer), takes_(takes), on_call_(std::move(on_call)) {}
  KJ_DISALLOW_COPY(WordCountService);

  // For one client's connection: what it reaches.
  capnp_words::WordCounter::Client Welcome();

  // Calls that have come so far.
  size_t calls() const { return calls_begun_; }
  // Of these, such as are not answered yet and whose callers still wait.
  size_t under_way() const { return under_way_; }

 private:
  class Server;

  kj::Timer& timer_;
  const kj::Duration takes_;
  const std::function<void()> on_call_;
  size_t calls_begun_ = 0;
  size_t under_way_ = 0;
  CallScope calls_;  // goes first: calls refer to the others
};

// Sends `text` to the server at the other end. Failures name it. Rejects with OVERLOADED when there
// is no answer within `limit`; never asks again by itself.
kj::Promise<WordCounts> CountWordsAt(Connection& server, std::string_view text, kj::Timer& timer,
                                     kj::Duration limit);

}  // namespace millrace

#endif  // MILLRACE_APPS_WORDCOUNT_RPC_WORD_COUNT_SERVICE_H_
