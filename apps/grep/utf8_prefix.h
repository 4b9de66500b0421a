// How far a text is UTF-8.
#ifndef MILLRACE_APPS_GREP_UTF8_PREFIX_H_
#define MILLRACE_APPS_GREP_UTF8_PREFIX_H_

#include <cstddef>
#include <string_view>

namespace millrace {

// Bytes before the first one that does not belong to a character: neither overlong forms nor
// surrogates nor anything beyond U+10FFFF are characters.
size_t Utf8Prefix(std::string_view text);

}  // namespace millrace

#endif  // MILLRACE_APPS_GREP_UTF8_PREFIX_H_
