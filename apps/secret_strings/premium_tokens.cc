#include "apps/secret_strings/premium_tokens.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/strings.h"
#include "rpc/sha256.h"

namespace millrace {

absl::StatusOr<PremiumTokens> PremiumTokens::Parse(std::string_view text) {
  PremiumTokens tokens;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const auto token = ToStd(absl::StripAsciiWhitespace(ToAbsl(text.substr(0, end))));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (token.empty()) continue;
    if (token.size() > kMaxTokenBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("the token in line ", number, " has more than ", kMaxTokenBytes, " bytes"));
    }
    if (tokens.size() == kMaxTokens) {
      return absl::InvalidArgumentError(
          absl::StrCat("more than ", kMaxTokens, " tokens, in line ", number));
    }
    tokens.digests_.push_back(Sha256Hex(token));
  }
  return tokens;
}

bool PremiumTokens::Contain(std::string_view token) const {
  const std::string digest = Sha256Hex(token);
  bool found = false;
  for (const std::string& known : digests_) {  // all of them, whatever was found
    found |= CRYPTO_memcmp(known.data(), digest.data(), digest.size()) == 0;
  }
  return found;
}

}  // namespace millrace
