// What people may put on other people's terminals. Pure; any thread.
//
// A terminal obeys what it is sent: escape sequences move the cursor and rename the window, and
// marks of writing direction show a line in another order than it has. None of that passes.
#ifndef MILLRACE_APPS_CHAT_PLAIN_TEXT_H_
#define MILLRACE_APPS_CHAT_PLAIN_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace millrace::chat {

constexpr size_t kNameBytesMax = 32;
constexpr size_t kTextBytesMax = 1000;

// The text with a blank for each tab and a question mark for each control character, each invisible
// mark that moves others about, and each byte that is no UTF-8. Never longer; cleaning it again
// changes nothing.
std::string CleanText(std::string_view text);

// The beginning of the text, at most `bytes_max` long, that does not end within a character.
std::string_view Beginning(std::string_view text, size_t bytes_max);

// Whether a member can have this name: 1 to kNameBytesMax bytes of clean text without white space
// and colons, so that "NAME: TEXT" can be read in one way only, and no star in front, which
// announcements have. kInvalidArgument says what is wrong.
absl::Status CheckName(std::string_view name);

// Cuts what is typed into messages: one a line, more of a line that is longer than kTextBytesMax.
// They are clean, and none is empty.
class TypedLines {
 public:
  // The messages that these bytes complete.
  std::vector<std::string> Add(std::string_view bytes);
  // What was typed after the last end of line.
  std::vector<std::string> End();

 private:
  std::string begun_;  // between two calls at most kTextBytesMax
};

}  // namespace millrace::chat

#endif  // MILLRACE_APPS_CHAT_PLAIN_TEXT_H_
