// The words of the song. Pure.
#ifndef MILLRACE_APPS_BOTTLES_VERSE_H_
#define MILLRACE_APPS_BOTTLES_VERSE_H_

#include <cstdint>
#include <string>

namespace millrace {

constexpr uint32_t kMaxBottles = 10'000;

// "99 bottles of beer on the wall, 99 bottles of beer. Take one down, pass it around..."
std::string Verse(uint32_t bottles);

// What is left to say when no bottle is.
std::string Ending();

// All lines, each ended, that the singer of this verse sings in one breath: whoever takes down the
// last bottle sings the ending too. 0: the ending alone.
std::string LinesOf(uint32_t bottles);

}  // namespace millrace

#endif  // MILLRACE_APPS_BOTTLES_VERSE_H_
