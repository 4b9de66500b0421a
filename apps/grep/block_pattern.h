// Rewrites a pattern for lines so that it can be searched in many lines at once.
//
//   MakeBlockPattern("a[^b]$")->pattern == "a[^\nb](?=\r?$)"
//
// The result is for PCRE2 with PCRE2_MULTILINE and PCRE2_NO_AUTO_CAPTURE. Searched in a text of
// whole lines it has two properties, which line_matcher.cc builds on:
//
//   1. Where the pattern matches in a line alone, the result matches at the same place in the text.
//      So a line before the first match of the result does not match.
//   2. A match of the result lies in one line. If it does not reach into the line's end, the
//      pattern matches the line alone.
//
// For 1 every construct has to be one that tries all its ways (no atomic groups, no verbs), and
// that sees beside the line only what it sees at its ends. For 2 nothing may match "\n". Anything
// else, and anything rare, has no result: such a pattern is matched line by line.
#ifndef MILLRACE_APPS_GREP_BLOCK_PATTERN_H_
#define MILLRACE_APPS_GREP_BLOCK_PATTERN_H_

#include <optional>
#include <string>
#include <string_view>

namespace millrace {

struct BlockPattern {
  std::string pattern;
  // Whether it makes a difference that the bytes of the text are characters of UTF-8: there are
  // constructs that take any character, or some that are not ASCII.
  bool needs_characters = false;
};

// `pattern` is one that PCRE2 compiles.
std::optional<BlockPattern> MakeBlockPattern(std::string_view pattern);

}  // namespace millrace

#endif  // MILLRACE_APPS_GREP_BLOCK_PATTERN_H_
