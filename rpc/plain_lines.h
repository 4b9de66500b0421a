// What others have written, fit for a terminal. Pure; any thread.
#ifndef MILLRACE_RPC_PLAIN_LINES_H_
#define MILLRACE_RPC_PLAIN_LINES_H_

#include <string>
#include <string_view>

namespace millrace {

// The text with a question mark for each control character but ends of lines, which move the cursor
// or rename the window; and, when it is no UTF-8, for each byte that is no ASCII.
std::string PlainLines(std::string_view text);

}  // namespace millrace

#endif  // MILLRACE_RPC_PLAIN_LINES_H_
