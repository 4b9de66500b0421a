// Texts of several lines, of which the first says it all and the others are details. Pure.
#ifndef MILLRACE_CLIENT_TEXT_LINES_H_
#define MILLRACE_CLIENT_TEXT_LINES_H_

#include <cstddef>
#include <string>

namespace millrace {

std::string FirstLine(const std::string& text);

// All but the first line.
std::string Details(const std::string& text);

// Each line of `text` moved to the right, and ended.
std::string Indented(const std::string& text, size_t spaces);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_TEXT_LINES_H_
