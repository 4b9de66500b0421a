// Finds the lines of a text in which a regular expression (PCRE2) matches.
//
//   MILLRACE_ASSIGN_OR_RETURN(const auto matcher, LineMatcher::Make({.pattern = "error [0-9]+"}));
//   matcher->Search(text);
//   TextLine line;
//   for (;;) {
//     MILLRACE_ASSIGN_OR_RETURN(const bool found, matcher->Next(&line));
//     if (!found) break;
//     ... line.content ...
//   }
//
// Each line is judged as if it were alone, without its end ("\n" or "\r\n"). Most patterns are
// nevertheless searched in the whole text at once, compiled to machine code (see block_pattern.h
// for which, and why that is the same); the others go line by line.
//
// Patterns are UTF-8, and so is a line if it can be: `.` is a character, not a byte. A line that is
// no UTF-8 is matched byte by byte, so that other encodings and binary files work as well. One
// thread.
#ifndef MILLRACE_APPS_GREP_LINE_MATCHER_H_
#define MILLRACE_APPS_GREP_LINE_MATCHER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace {

struct LinePattern {
  std::string pattern;
  bool ignore_case = false;
};

// A line of a text.
struct TextLine {
  std::string_view content;  // without the line's end
  size_t begin = 0;          // in the text
  size_t next = 0;           // where the next line begins
};

// The line of `text` that holds `position`, which is less than its size.
TextLine LineAt(std::string_view text, size_t position);

class LineMatcher {
 public:
  // kInvalidArgument says what is wrong, and where in the pattern.
  static absl::StatusOr<std::unique_ptr<LineMatcher>> Make(const LinePattern& pattern);
  ~LineMatcher();
  LineMatcher(const LineMatcher&) = delete;
  LineMatcher& operator=(const LineMatcher&) = delete;

  // Begins at the start of `text`, which holds whole lines and must outlive the search.
  void Search(std::string_view text);
  // Whether a line is left that matches; `*line` is then the next one. The error of a line that
  // takes PCRE2 too much time or memory is kAborted, and `*line` is that line.
  absl::StatusOr<bool> Next(TextLine* line);

  // Whether this line, given without its end, matches.
  absl::StatusOr<bool> Matches(std::string_view line);

  // Whether texts are searched as a whole.
  bool searches_blocks() const;

 private:
  struct Programs;
  explicit LineMatcher(std::unique_ptr<Programs> programs);

  void FindUtf8();
  absl::StatusOr<bool> NextInBlock(TextLine* line);
  absl::StatusOr<bool> NextLineByLine(size_t end, TextLine* line);

  const std::unique_ptr<Programs> programs_;
  std::string_view text_;
  size_t at_ = 0;        // the lines before were searched
  size_t utf8_end_ = 0;  // the lines from at_ to here are UTF-8
};

}  // namespace millrace

#endif  // MILLRACE_APPS_GREP_LINE_MATCHER_H_
