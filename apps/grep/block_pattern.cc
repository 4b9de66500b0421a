#include "apps/grep/block_pattern.h"

#include <cctype>

namespace millrace {
namespace {

bool Contains(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

// An escaped byte that is no letter and no digit stands for itself.
bool IsLiteralEscape(char c) { return !std::isalnum(static_cast<unsigned char>(c)) && c != '\n'; }

bool IsControl(char c) { return static_cast<unsigned char>(c) < ' '; }

// One pass over the pattern, token by token. Each method returns false at what it does not know to
// be safe.
class Rewriter {
 public:
  explicit Rewriter(std::string_view pattern) : rest_(pattern) {}

  std::optional<BlockPattern> Rewrite() {
    while (!rest_.empty()) {
      if (!TakeToken()) return std::nullopt;
    }
    return std::move(result_);
  }

 private:
  bool TakeToken() {
    const char c = rest_[0];
    switch (c) {
      case '\\': return TakeEscape();
      case '[': return TakeClass();
      case '(': return TakeGroup();
      case '$': return Replace(1, "(?=\\r?$)");
      case '.': return NeedCharacters() && Keep(1);
      case '\n': return false;
      case '*':
      case '+':
      case '?':
      case '}': return TakeQuantifier();
      default: return Keep(1);
    }
  }

  bool TakeEscape() {
    if (rest_.size() < 2) return false;
    const char c = rest_[1];
    if (Contains("SDWHVh", c)) NeedCharacters();
    switch (c) {
      case 's': return Replace(2, "[^\\S\\n]");
      case 'D': return Replace(2, "[^\\d\\n]");
      case 'W': return Replace(2, "[^\\w\\n]");
      case 'H': return Replace(2, "[^\\h\\n]");
      default: return (Contains("dwSVhbBtfaer", c) || IsLiteralEscape(c)) && Keep(2);
    }
  }

  // Plain groups, (?:...), and case that is or is not ignored.
  bool TakeGroup() {
    if (rest_.size() < 2 || !Contains("?*", rest_[1])) return Keep(1);
    for (const std::string_view safe : {"(?:", "(?i:", "(?i)", "(?-i:", "(?-i)"}) {
      if (rest_.substr(0, safe.size()) != safe) continue;
      return (safe[2] == ':' || NeedCharacters()) && Keep(safe.size());
    }
    return false;
  }

  // "*", "+?", "}" and so on; a "+" after a quantifier would make it possessive.
  bool TakeQuantifier() {
    Keep(1);
    if (!rest_.empty() && rest_[0] == '?') Keep(1);
    return rest_.empty() || rest_[0] != '+';
  }

  bool TakeClass() {
    Keep(1);
    const bool negated = !rest_.empty() && rest_[0] == '^';
    if (negated) NeedCharacters();
    if (negated) Replace(1, "^\\n");
    // A "]" that comes first is a member; nor may a "-" make a range of what was put before it.
    if (!rest_.empty() && Contains("]-", rest_[0])) Replace(1, rest_[0] == ']' ? "\\]" : "\\-");
    while (!rest_.empty() && rest_[0] != ']') {
      if (!TakeMember(negated)) return false;
    }
    return !rest_.empty() && Keep(1);
  }

  // What a negated class has besides does not matter: it has "\n".
  bool TakeMember(bool negated) {
    switch (rest_[0]) {
      case '\\': return TakeEscapedMember(negated);
      case '[': return TakeNamedSet(negated);
      default: return (!IsControl(rest_[0]) || rest_.substr(0, 1) == "\t") && TakePlain(1);
    }
  }

  bool TakeEscapedMember(bool negated) {
    if (rest_.size() < 2) return false;
    const char c = rest_[1];
    if (IsLiteralEscape(c)) return TakePlain(2);
    if (Contains("SVh", c)) NeedCharacters();
    if (Contains("dwSVh", c)) return Keep(2);
    if (Contains("tfaer", c)) return TakePlain(2);
    if (c == 's') return negated ? Keep(2) : Replace(2, " \\t\\x0b\\f\\r");
    return negated && Contains("DWHvn", c) && Keep(2);
  }

  // A character that may begin a range. One that begins below "\n" could end above it.
  bool TakePlain(size_t size) {
    const bool may_be_low =
        IsControl(rest_[size - 1]) || (size == 2 && Contains("tfaer", rest_[1]));
    if (may_be_low && rest_.size() > size && rest_[size] == '-') return false;
    return Keep(size);
  }

  // [:alpha:] and its like, or a plain "[".
  bool TakeNamedSet(bool negated) {
    if (rest_.size() < 2 || !Contains(":.=", rest_[1])) return Keep(1);
    const size_t end = rest_.find(":]");
    if (rest_[1] != ':' || end == std::string_view::npos) return false;
    const std::string_view name = rest_.substr(2, end - 2);
    for (const std::string_view known : {"alpha", "digit", "alnum", "upper", "lower", "punct",
                                         "xdigit", "word", "blank", "graph", "print"}) {
      if (name == known) return Keep(end + 2);
    }
    return negated && (name == "space" || name == "cntrl") && Keep(end + 2);
  }

  bool NeedCharacters() { return result_.needs_characters = true; }

  bool Keep(size_t size) {
    for (const char c : rest_.substr(0, size)) {
      if (static_cast<unsigned char>(c) >= 0x80) NeedCharacters();
    }
    result_.pattern += rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }
  bool Replace(size_t size, std::string_view by) {
    result_.pattern += by;
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
  BlockPattern result_;
};

}  // namespace

std::optional<BlockPattern> MakeBlockPattern(std::string_view pattern) {
  return Rewriter(pattern).Rewrite();
}

}  // namespace millrace
