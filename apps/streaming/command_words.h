// A command line as the words of an argument list: as a shell would split it, without a shell.
#ifndef MILLRACE_APPS_STREAMING_COMMAND_WORDS_H_
#define MILLRACE_APPS_STREAMING_COMMAND_WORDS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace millrace {

// Splits at blanks. 'single' and "double" quotes keep blanks, and a backslash takes the next
// character as it is, but not in single quotes. Nothing else is special: no variables, no pipes.
// kInvalidArgument for a quote or a backslash without an end.
absl::StatusOr<std::vector<std::string>> SplitWords(std::string_view command);

}  // namespace millrace

#endif  // MILLRACE_APPS_STREAMING_COMMAND_WORDS_H_
