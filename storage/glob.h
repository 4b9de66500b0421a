// Matching of file names against patterns, as shells do it.
//
// Pure functions. Any thread.
#ifndef MILLRACE_STORAGE_GLOB_H_
#define MILLRACE_STORAGE_GLOB_H_

#include <string_view>

namespace millrace {

// Whether `text` holds '*' or '?'.
bool HasWildcard(std::string_view text);

// Whether the whole of `name` matches `pattern`, in which '*' stands for any characters, also none,
// and '?' for one (in UTF-8; a byte that is not UTF-8 counts as one). Everything else stands for
// itself. Names that start with '_' or '.' match only a pattern that starts the same way.
bool MatchesName(std::string_view name, std::string_view pattern);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_GLOB_H_
