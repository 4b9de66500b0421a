// Words made of Unicode letters (category L) in UTF-8 text.
//
//   ForEachLetterRun("na\xc3\xafve 42 words", [](std::string_view run) { ... });  // naïve, words
//
// What is a letter comes from a table generated from the Unicode data, never from the locale.
// Invalid UTF-8 (stray or missing continuation bytes, overlong forms, surrogates, beyond U+10FFFF)
// separates runs like any other byte that is no letter.
#ifndef MILLRACE_MAPREDUCE_LETTERS_H_
#define MILLRACE_MAPREDUCE_LETTERS_H_

#include <cstdint>
#include <string_view>

#include "mapreduce/byte_masks.h"
#include "mapreduce/map_input.h"

namespace millrace {

// Whether the code point has category L.
bool IsLetter(uint32_t code_point);

namespace letters_internal {

// Bits of `block` that belong to letters of two to four bytes. A letter that begins in this block
// and ends in the next leaves its last bits in *carry, which the next call takes up.
uint64_t MaskOfLongLetters(const char* block, size_t size, const char* text_end, uint64_t non_ascii,
                           uint64_t* carry);

}  // namespace letters_internal

// Calls f(std::string_view) for each maximal run of letters in `text`, and mark(const char*) every
// 64 bytes.
template <typename F, typename Mark>
void ForEachLetterRun(std::string_view text, F&& f, Mark&& mark) {
  const char* const end = text.data() + text.size();
  uint64_t carry = 0;
  ForEachRun(
      text, /*padding=*/' ',
      [&carry, end](const char* readable, const char* block, size_t size) {
        uint64_t mask = MaskOfAsciiLetters(readable);
        const uint64_t non_ascii = MaskOfNonAscii(readable);
        if (__builtin_expect(non_ascii != 0, 0)) {
          mask |= letters_internal::MaskOfLongLetters(block, size, end, non_ascii, &carry);
        }
        return mask;
      },
      f, mark);
}

template <typename F>
void ForEachLetterRun(std::string_view text, F&& f) {
  ForEachLetterRun(text, f, [](const char*) {});
}

// The same over a mapper's chunk; keeps its cursor.
template <typename F>
void ForEachLetterRun(const MapInput& input, F&& f) {
  input.ForEachText([&](std::string_view text) {
    ForEachLetterRun(text, f, [&input](const char* block) { input.Mark(block); });
  });
}

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_LETTERS_H_
