// Performs what a person asks of a running cluster. Answers go to standard output, as text or as
// JSON; what went wrong to standard error. One event loop.
#ifndef MILLRACE_CLIENT_VERBS_H_
#define MILLRACE_CLIENT_VERBS_H_

#include <kj/async.h>

#include <cstdint>
#include <optional>

#include "client/master_link.h"
#include "client/verb_request.h"

namespace millrace {

struct VerbOptions {
  bool json = false;
  std::optional<uint64_t> wait_timeout_ms;  // not set: without end
};

// Resolves with the exit code. `link` is connected and outlives the promise; rejects when the
// master is lost (but `wait` waits for it to come back).
kj::Promise<int> RunVerb(MasterLink& link, const VerbRequest& request, const VerbOptions& options);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_VERBS_H_
