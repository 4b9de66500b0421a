#include "storage/glob.h"

#include "storage/paths.h"

namespace millrace {
namespace {

// The position after the character that begins at `at`.
size_t NextCharacter(std::string_view text, size_t at) {
  do {
    ++at;
  } while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

// Linear but for the last '*', to which it comes back: at most |name| * |pattern| steps.
bool Matches(std::string_view name, std::string_view pattern) {
  constexpr size_t kNone = std::string_view::npos;
  size_t n = 0;
  size_t p = 0;
  size_t after_star = kNone;  // in the pattern
  size_t star_end = 0;        // what the star stands for ends here in the name
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      star_end = n;
    } else if (p < pattern.size() && pattern[p] == '?') {
      n = NextCharacter(name, n);
      ++p;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++n;
      ++p;
    } else if (after_star != kNone) {
      star_end = NextCharacter(name, star_end);
      n = star_end;
      p = after_star;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

bool HasWildcard(std::string_view text) { return text.find_first_of("*?") != text.npos; }

bool MatchesName(std::string_view name, std::string_view pattern) {
  if (IsHiddenName(name) && (pattern.empty() || pattern[0] != name[0])) return false;
  return Matches(name, pattern);
}

}  // namespace millrace
