// Who is a premium user: whoever has one of these tokens.
//
// Only digests of tokens are kept, and a token is compared in a time that depends neither on where
// it differs from them nor on which of them it is. Nothing here can print a token. Pure; any
// thread.
#ifndef MILLRACE_APPS_SECRET_STRINGS_PREMIUM_TOKENS_H_
#define MILLRACE_APPS_SECRET_STRINGS_PREMIUM_TOKENS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace millrace {

constexpr size_t kMaxTokens = 10'000;
constexpr size_t kMaxTokenBytes = 1024;

class PremiumTokens {
 public:
  // Nobody is.
  PremiumTokens() = default;

  // Reads the text of a file with one token a line; empty lines mean nothing, nor does white space
  // around a token. Errors name a line by its number, never by what it says.
  static absl::StatusOr<PremiumTokens> Parse(std::string_view text);

  bool Contain(std::string_view token) const;
  size_t size() const { return digests_.size(); }

 private:
  std::vector<std::string> digests_;  // all of one length
};

}  // namespace millrace

#endif  // MILLRACE_APPS_SECRET_STRINGS_PREMIUM_TOKENS_H_
