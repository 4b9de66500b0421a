// Asks several word-count servers in one of the four ways to call a server.
#ifndef MILLRACE_APPS_WORDCOUNT_RPC_ASK_ALL_H_
#define MILLRACE_APPS_WORDCOUNT_RPC_ASK_ALL_H_

#include <kj/async.h>

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "apps/wordcount_rpc/word_counts.h"

namespace millrace {

enum class Way { kSync, kCallback, kFuture, kCallObject };

// Sends its request when it is called.
using Question = std::function<kj::Promise<WordCounts>()>;
using Answer = absl::StatusOr<WordCounts>;

// The answers, in the order of the questions. kSync asks them one after another, the other ways
// all at the same time; kFuture does `other_work` over and over until the last answer is there.
std::vector<Answer> AskAll(Way way, kj::WaitScope& loop, const std::vector<Question>& questions,
                           const std::function<void()>& other_work);

}  // namespace millrace

#endif  // MILLRACE_APPS_WORDCOUNT_RPC_ASK_ALL_H_
