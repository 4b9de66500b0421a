#include "mapreduce/letters.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "mapreduce/letter_table.h"

namespace millrace {
namespace {

// Code points below this have a bit each in kPlaneZero; the rest are searched in the ranges.
constexpr uint32_t kPlaneZeroEnd = 0x10000;

constexpr std::array<uint64_t, kPlaneZeroEnd / 64> MakePlaneZero() {
  std::array<uint64_t, kPlaneZeroEnd / 64> bits = {};
  for (const CodePointRange& range : kLetterRanges) {
    for (uint32_t code = range.first; code <= range.last && code < kPlaneZeroEnd; ++code) {
      bits[code / 64] |= uint64_t{1} << (code % 64);
    }
  }
  return bits;
}

constexpr std::array<uint64_t, kPlaneZeroEnd / 64> kPlaneZero = MakePlaneZero();

struct Decoded {
  uint32_t code_point;
  size_t size;  // 0: not valid UTF-8
};

bool IsContinuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

// Strict UTF-8 of two to four bytes at `text`.
Decoded DecodeLong(const char* text, size_t left) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text);
  const unsigned char lead = bytes[0];
  const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  // 0x80-0xbf cannot begin a sequence; 0xc0 and 0xc1 would be overlong, 0xf5 up too large.
  if (lead < 0xc2 || lead > 0xf4 || left < size) return {0, 0};
  uint32_t code = lead & (0xff >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    if (!IsContinuation(bytes[i])) return {0, 0};
    code = code << 6 | (bytes[i] & 0x3f);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[size] || surrogate || code > 0x10ffff) return {0, 0};
  return {code, size};
}

}  // namespace

bool IsLetter(uint32_t code_point) {
  if (code_point < kPlaneZeroEnd) return kPlaneZero[code_point / 64] >> (code_point % 64) & 1;
  const auto* after = std::upper_bound(
      std::begin(kLetterRanges), std::end(kLetterRanges), code_point,
      [](uint32_t code, const CodePointRange& range) { return code < range.first; });
  return after != std::begin(kLetterRanges) && code_point <= std::prev(after)->last;
}

namespace letters_internal {

uint64_t MaskOfLongLetters(const char* block, size_t size, const char* text_end, uint64_t non_ascii,
                           uint64_t* carry) {
  // The bytes that finish the last letter of the block before are at the front, all non-ASCII, so
  // no carry is ever left over for a block without any.
  uint64_t mask = *carry;
  uint64_t todo = non_ascii & ~*carry;
  *carry = 0;
  while (todo != 0) {
    const int at = __builtin_ctzll(todo);
    if (static_cast<size_t>(at) >= size) break;
    const Decoded decoded = DecodeLong(block + at, static_cast<size_t>(text_end - block) - at);
    if (decoded.size == 0 || !IsLetter(decoded.code_point)) {
      // Continuation bytes of a sequence that is no letter fail by themselves.
      todo &= todo - 1;
      continue;
    }
    const uint64_t bits = (uint64_t{1} << decoded.size) - 1;
    mask |= bits << at;
    if (at + decoded.size > kMaskBytes) *carry = bits >> (kMaskBytes - at);
    todo &= ~(bits << at);
  }
  return mask;
}

}  // namespace letters_internal
}  // namespace millrace
