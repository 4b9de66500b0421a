#include "rpc/plain_lines.h"

#include <cstddef>

#include "rpc/json_writer.h"

namespace millrace {

std::string PlainLines(std::string_view text) {
  const bool is_text = IsUtf8(text);
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // The control characters U+0080 to U+009F are c2 80 to c2 9f.
    const bool begins_control =
        is_text && byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    const bool is_control = (byte < 0x20 && byte != '\n') || byte == 0x7F;
    if (begins_control) ++i;
    plain += begins_control || is_control || (byte >= 0x80 && !is_text) ? '?' : text[i];
  }
  return plain;
}

}  // namespace millrace
