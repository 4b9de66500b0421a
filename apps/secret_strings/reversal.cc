#include "apps/secret_strings/reversal.h"

#include <cstring>

#include "apps/grep/utf8_prefix.h"

namespace millrace {
namespace {

// The size of the code point that `text` begins with; 0: with none.
size_t CodePointSize(std::string_view text) {
  for (size_t size = 1; size <= 4 && size <= text.size(); ++size) {
    if (Utf8Prefix(text.substr(0, size)) == size) return size;
  }
  return 0;
}

}  // namespace

Reversal Reverse(std::string_view text) {
  Reversal reversal;
  reversal.text.resize(text.size());
  size_t end = text.size();  // of what is still to be written
  while (!text.empty()) {
    size_t size = CodePointSize(text);
    if (size == 0) {
      reversal.valid_utf8 = false;
      do {
        ++size;
      } while (size < text.size() && CodePointSize(text.substr(size)) == 0);
    }
    end -= size;
    std::memcpy(reversal.text.data() + end, text.data(), size);
    text.remove_prefix(size);
  }
  return reversal;
}

}  // namespace millrace
