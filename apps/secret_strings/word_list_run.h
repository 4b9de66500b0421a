// Has a list of words reversed by several servers, and hands out the results in order.
//
//   ReverseWords(timer, dial, words, options, listener).then([](WordListResult result) { ... });
//
// Each server holds at most `outstanding_max` words at a time, so the faster one gets more. A
// server that is lost (its connection breaks, it does not answer pings, it is too busy) is dialled
// again for a while; its words go to the others at once, and no word is lost or handed out twice. A
// server that was never reached is given up, and the others go on. When none is left, the run ends.
//
// Lives on one event loop.
#ifndef MILLRACE_APPS_SECRET_STRINGS_WORD_LIST_RUN_H_
#define MILLRACE_APPS_SECRET_STRINGS_WORD_LIST_RUN_H_

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "apps/secret_strings/reversal.h"
#include "apps/secret_strings/secret_strings_service.h"
#include "rpc/backoff.h"
#include "rpc/connection.h"

namespace millrace {

struct WordListOptions {
  std::vector<std::string> servers;  // HOST:PORT
  Tier tier;
  // One that is reversed and one that waits, so that a server need not wait for its next.
  size_t outstanding_max = 2;
  // How long a server that was lost is dialled again.
  kj::Duration patience = 10 * kj::SECONDS;
  BackoffOptions backoff = {100 * kj::MILLISECONDS, 1 * kj::SECONDS};
  uint64_t seed = 1;  // of back-off
  // How soon a server that has frozen is noticed.
  kj::Duration ping_period = 1 * kj::SECONDS;
  kj::Duration ping_timeout = 3 * kj::SECONDS;
};

struct WordListListener {
  // In the order of the words. False: nobody takes any more of them, and the run ends.
  std::function<bool(const Reversal&)> on_line;
  std::function<void(const std::string&)> on_trouble;  // what is worth a line, and goes on
};

struct WordListResult {
  // OK: every line was handed out. kPermissionDenied: a server has refused. kUnavailable: no server
  // is left. kUnimplemented: the last was of another version. kCancelled: nobody takes the lines.
  // Others: a server says that it cannot.
  absl::Status status;
  size_t lines = 0;                 // handed out
  std::vector<size_t> answered_by;  // words, by server
};

using DialTo = kj::Function<kj::Promise<kj::Own<Connection>>(const std::string& address)>;

// Never rejects; dropping the promise ends the run.
kj::Promise<WordListResult> ReverseWords(kj::Timer& timer, DialTo dial,
                                         std::vector<std::string> words,
                                         const WordListOptions& options,
                                         const WordListListener& listener);

}  // namespace millrace

#endif  // MILLRACE_APPS_SECRET_STRINGS_WORD_LIST_RUN_H_
