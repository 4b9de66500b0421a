#include "apps/grep/utf8_prefix.h"

#include <algorithm>

#include "mapreduce/byte_masks.h"

namespace millrace {
namespace {

bool IsIn(unsigned char byte, int first, int last) { return byte >= first && byte <= last; }

// The size of the character that begins with bytes[0]; 0 if none does.
size_t CharacterSize(const unsigned char* bytes, size_t left) {
  const unsigned char first = bytes[0];
  if (first < 0x80) return 1;
  const size_t size = IsIn(first, 0xc2, 0xdf) ? 2 : IsIn(first, 0xe0, 0xef) ? 3 : 4;
  if (left < size || !IsIn(first, 0xc2, 0xf4)) return 0;
  // What the second byte may be excludes overlong forms, surrogates, and too large numbers.
  const int least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const int most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (!IsIn(bytes[1], least, most)) return 0;
  for (size_t i = 2; i < size; ++i) {
    if (!IsIn(bytes[i], 0x80, 0xbf)) return 0;
  }
  return size;
}

}  // namespace

size_t Utf8Prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= kMaskBytes && MaskOfNonAscii(text.data() + at) == 0) {
      at += kMaskBytes;
      continue;
    }
    const size_t stop = std::min(text.size(), at + kMaskBytes);
    while (at < stop) {
      const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data() + at);
      const size_t size = CharacterSize(bytes, text.size() - at);
      if (size == 0) return at;
      at += size;
    }
  }
  return at;
}

}  // namespace millrace
