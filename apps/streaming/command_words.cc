#include "apps/streaming/command_words.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/strings.h"

namespace millrace {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

// In double quotes a backslash is itself, but before what would be special.
bool IsEscapedIn(char quote, char next) { return quote == '\0' || next == '"' || next == '\\'; }

}  // namespace

absl::StatusOr<std::vector<std::string>> SplitWords(std::string_view command) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = '\0';  // the one that is open
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (quote == '\0' && IsBlank(c)) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    const bool is_last = i + 1 == command.size();
    if (c == '\\' && quote == '\0' && is_last) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", ToAbsl(command), "' ends with a backslash that escapes nothing"));
    }
    if (c == '\\' && quote != '\'' && !is_last && IsEscapedIn(quote, command[i + 1])) {
      words.back() += command[++i];
    } else if (c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else {
      words.back() += c;
    }
  }
  if (quote != '\0') {
    return absl::InvalidArgumentError(absl::StrCat("'", ToAbsl(command), "' has a quote (",
                                                   std::string(1, quote), ") that is not closed"));
  }
  return words;
}

}  // namespace millrace
