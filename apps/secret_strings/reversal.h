// A text backwards. Pure; any thread.
#ifndef MILLRACE_APPS_SECRET_STRINGS_REVERSAL_H_
#define MILLRACE_APPS_SECRET_STRINGS_REVERSAL_H_

#include <string>
#include <string_view>

namespace millrace {

struct Reversal {
  std::string text;
  bool valid_utf8 = true;  // of what was reversed, and then of `text` too

  friend bool operator==(const Reversal& a, const Reversal& b) {
    return a.text == b.text && a.valid_utf8 == b.valid_utf8;
  }
};

// Reverses by Unicode code points: "héllo" becomes "olléh". What is no UTF-8 changes its place, but
// stays as it is byte for byte: bytes that do not make code points, as far as they are together,
// count as one. So two reversals give back any text.
Reversal Reverse(std::string_view text);

}  // namespace millrace

#endif  // MILLRACE_APPS_SECRET_STRINGS_REVERSAL_H_
