// The server that reverses strings, and the client's end of its calls.
//
// Lives on one event loop.
#ifndef MILLRACE_APPS_SECRET_STRINGS_SECRET_STRINGS_SERVICE_H_
#define MILLRACE_APPS_SECRET_STRINGS_SECRET_STRINGS_SERVICE_H_

#include <kj/async.h>
#include <kj/time.h>
#include <kj/timer.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "apps/secret_strings/premium_tokens.h"
#include "apps/secret_strings/reversal.h"
#include "apps/secret_strings/secret_strings.capnp.h"
#include "apps/secret_strings/slow_reverser.h"
#include "rpc/call_scope.h"

namespace millrace {

constexpr size_t kMaxStringBytes = 1 << 20;

struct SecretStringsOptions {
  kj::Duration slow = 100 * kj::MILLISECONDS;  // how long a slow reversal takes
  size_t waiting_max = 256;                    // strings that wait for one
  PremiumTokens premium;
};

class SecretStringsService {
 public:
  SecretStringsService(kj::Timer& timer, const SecretStringsOptions& options)
      : premium_(options.premium), slow_(timer, options.slow, options.waiting_max) {}
  KJ_DISALLOW_COPY(SecretStringsService);

  // For one client's connection: what it reaches.
  capnp_strings::SecretStrings::Client Welcome();

  // Calls that have come so far.
  size_t calls() const { return calls_begun_; }
  // Strings that wait for a slow reversal, or are in one.
  size_t waiting() const { return slow_.waiting(); }

 private:
  class Server;

  const PremiumTokens premium_;
  SlowReverser slow_;
  size_t calls_begun_ = 0;
  CallScope calls_;  // goes first: calls refer to the others
};

// How a client wants its strings reversed.
struct Tier {
  bool fast = false;
  std::string token;  // of a premium user, for fast
};

struct ReverseReply {
  Reversal reversal;
  std::optional<std::string> refused;  // why; then there is no reversal
};

// Sends one string. Has no deadline of its own: how long it takes depends on how many others wait.
kj::Promise<ReverseReply> AskToReverse(capnp_strings::SecretStrings::Client server,
                                       std::string_view text, const Tier& tier);

}  // namespace millrace

#endif  // MILLRACE_APPS_SECRET_STRINGS_SECRET_STRINGS_SERVICE_H_
