#include "apps/grep/line_matcher.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "apps/grep/block_pattern.h"
#include "apps/grep/utf8_prefix.h"
#include "mapreduce/status_macros.h"

namespace millrace {
namespace {

// Room for backtracking in compiled code; taken from the system only as far as it is used.
constexpr size_t kStackBytesFirst = 64 << 10;
constexpr size_t kStackBytesMost = 8 << 20;

std::string ErrorText(int error) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(error, buffer, sizeof(buffer));
  return reinterpret_cast<const char*>(buffer);
}

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
};
using Code = std::unique_ptr<pcre2_code, Free>;

absl::StatusOr<Code> Compile(std::string_view pattern, uint32_t options) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                          options | PCRE2_NEVER_BACKSLASH_C, &error, &offset,
                          /*ccontext=*/nullptr));
  if (code == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(ErrorText(error), ", at byte ", offset, " of '",
                     absl::string_view(pattern.data(), pattern.size()), "'"));
  }
  // Some patterns cannot be compiled to machine code: those are interpreted.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  return code;
}

}  // namespace

TextLine LineAt(std::string_view text, size_t position) {
  TextLine line;
  const void* before = memrchr(text.data(), '\n', position);
  if (before != nullptr) line.begin = static_cast<const char*>(before) + 1 - text.data();
  const size_t end = std::min(text.find('\n', position), text.size());
  line.next = std::min(end + 1, text.size());
  line.content = text.substr(line.begin, end - line.begin);
  if (!line.content.empty() && line.content.back() == '\r') line.content.remove_suffix(1);
  return line;
}

// PCRE2 can take UTF-8 with other bytes in between, but its machine code is then wrong for \W, \D
// and \S before characters beyond ASCII (10.42). So there is one program for what is UTF-8, which
// is not checked again, and one for what is not.
struct LineMatcher::Programs {
  // Returns PCRE2's result; `match` is then in the match data.
  int Run(const Code& code, std::string_view subject) {
    const uint32_t options = code == byte_line || code == byte_block ? 0 : PCRE2_NO_UTF_CHECK;
    return pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(),
                       /*start_offset=*/0, options, match.get(), context.get());
  }

  absl::Status CompileFor(const LinePattern& pattern);

  // Whether it makes a difference that text is UTF-8.
  bool needs_characters = true;
  Code line;        // for a line of UTF-8 alone
  Code byte_line;   // for any other; null if the pattern means nothing in bytes
  Code block;       // for whole lines of UTF-8; null if the pattern does not allow that
  Code byte_block;  // for any whole lines; null if characters are needed
  std::unique_ptr<pcre2_match_data, Free> match{pcre2_match_data_create(1, nullptr)};
  std::unique_ptr<pcre2_jit_stack, Free> stack{
      pcre2_jit_stack_create(kStackBytesFirst, kStackBytesMost, nullptr)};
  std::unique_ptr<pcre2_match_context, Free> context{pcre2_match_context_create(nullptr)};
};

absl::Status LineMatcher::Programs::CompileFor(const LinePattern& pattern) {
  pcre2_jit_stack_assign(context.get(), /*callback=*/nullptr, stack.get());
  const uint32_t bytes = pattern.ignore_case ? PCRE2_CASELESS : 0;
  const uint32_t utf = bytes | PCRE2_UTF;
  MILLRACE_ASSIGN_OR_RETURN(line, Compile(pattern.pattern, utf));
  absl::StatusOr<Code> in_bytes = Compile(pattern.pattern, bytes | PCRE2_NEVER_UTF);
  if (in_bytes.ok()) byte_line = *std::move(in_bytes);
  const std::optional<BlockPattern> rewritten = MakeBlockPattern(pattern.pattern);
  if (!rewritten.has_value()) return absl::OkStatus();
  needs_characters = rewritten->needs_characters || pattern.ignore_case;
  constexpr uint32_t kForBlocks = PCRE2_MULTILINE | PCRE2_NO_AUTO_CAPTURE;
  Code* const code = needs_characters ? &block : &byte_block;
  MILLRACE_ASSIGN_OR_RETURN(
      *code, Compile(rewritten->pattern, (needs_characters ? utf : bytes) | kForBlocks));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<LineMatcher>> LineMatcher::Make(const LinePattern& pattern) {
  auto programs = std::make_unique<Programs>();
  MILLRACE_RETURN_IF_ERROR(programs->CompileFor(pattern));
  return std::unique_ptr<LineMatcher>(new LineMatcher(std::move(programs)));
}

LineMatcher::LineMatcher(std::unique_ptr<Programs> programs) : programs_(std::move(programs)) {}

LineMatcher::~LineMatcher() = default;

bool LineMatcher::searches_blocks() const {
  return programs_->block != nullptr || programs_->byte_block != nullptr;
}

void LineMatcher::Search(std::string_view text) {
  text_ = text;
  at_ = utf8_end_ = 0;
}

absl::StatusOr<bool> LineMatcher::Matches(std::string_view line) {
  const bool is_utf8 = programs_->needs_characters && Utf8Prefix(line) == line.size();
  const Code& code = is_utf8 ? programs_->line : programs_->byte_line;
  if (code == nullptr) return false;
  const int result = programs_->Run(code, line);
  if (result >= 0 || result == PCRE2_ERROR_NOMATCH) return result >= 0;
  return absl::AbortedError(ErrorText(result));
}

absl::StatusOr<bool> LineMatcher::Next(TextLine* line) {
  if (programs_->byte_block != nullptr) {
    utf8_end_ = text_.size();  // or not: it is the same
    return NextInBlock(line);
  }
  if (programs_->block == nullptr) return NextLineByLine(text_.size(), line);
  while (at_ < text_.size()) {
    if (at_ == utf8_end_) FindUtf8();
    const bool is_utf8 = at_ < utf8_end_;
    MILLRACE_ASSIGN_OR_RETURN(
        const bool found,
        is_utf8 ? NextInBlock(line) : NextLineByLine(LineAt(text_, at_).next, line));
    if (found) return true;
    if (!is_utf8) utf8_end_ = at_;
  }
  return false;
}

// From at_: only whole lines, of which there may be none.
void LineMatcher::FindUtf8() {
  const std::string_view rest = text_.substr(at_);
  const size_t size = Utf8Prefix(rest);
  utf8_end_ = at_ + (size == rest.size() ? size : LineAt(rest, size).begin);
}

absl::StatusOr<bool> LineMatcher::NextInBlock(TextLine* line) {
  const Code& code = programs_->needs_characters ? programs_->block : programs_->byte_block;
  while (at_ < utf8_end_) {
    const int result = programs_->Run(code, text_.substr(at_, utf8_end_ - at_));
    // The limits count for a line, not for all that were searched.
    if (result < 0 && result != PCRE2_ERROR_NOMATCH) return NextLineByLine(utf8_end_, line);
    const PCRE2_SIZE* const match = pcre2_get_ovector_pointer(programs_->match.get());
    const size_t begin = result < 0 ? utf8_end_ : at_ + match[0];
    // Nothing is a match after the last line end, too.
    if (begin == utf8_end_ && (result < 0 || text_[begin - 1] == '\n')) {
      at_ = utf8_end_;
      return false;
    }
    const size_t end = at_ + match[1];
    *line = LineAt(text_, std::min(begin, text_.size() - 1));
    at_ = line->next;
    if (end <= line->begin + line->content.size()) return true;
    MILLRACE_ASSIGN_OR_RETURN(const bool matches, Matches(line->content));
    if (matches) return true;
  }
  return false;
}

absl::StatusOr<bool> LineMatcher::NextLineByLine(size_t end, TextLine* line) {
  while (at_ < end) {
    *line = LineAt(text_, at_);
    at_ = line->next;
    MILLRACE_ASSIGN_OR_RETURN(const bool matches, Matches(line->content));
    if (matches) return true;
  }
  return false;
}

}  // namespace millrace
