#include "client/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

namespace millrace {

void WriteToTerminal(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

size_t TerminalColumns() {
  winsize size;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

ProgressMode ProgressModeFor(const std::optional<ProgressMode>& asked) {
  if (asked.has_value()) return *asked;
  return isatty(STDERR_FILENO) ? ProgressMode::kBar : ProgressMode::kPlain;
}

bool IsForPeople(ProgressMode mode) {
  return mode == ProgressMode::kBar || mode == ProgressMode::kPlain;
}

}  // namespace millrace
