// Standard error as a person or a log sees it.
#ifndef MILLRACE_CLIENT_TERMINAL_H_
#define MILLRACE_CLIENT_TERMINAL_H_

#include <cstddef>
#include <optional>
#include <string_view>

#include "client/progress.h"

namespace millrace {

void WriteToTerminal(std::string_view text);

// How wide it is; 80 when it is no terminal.
size_t TerminalColumns();

// What was asked for; else a bar on a terminal and plain lines elsewhere.
ProgressMode ProgressModeFor(const std::optional<ProgressMode>& asked);

// Whether a summary in prose belongs after such progress.
bool IsForPeople(ProgressMode mode);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_TERMINAL_H_
