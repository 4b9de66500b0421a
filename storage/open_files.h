// How many files, sockets and pipes this process may have open at once (RLIMIT_NOFILE). Any thread.
#ifndef MILLRACE_STORAGE_OPEN_FILES_H_
#define MILLRACE_STORAGE_OPEN_FILES_H_

#include <cstddef>

namespace millrace {

size_t OpenFilesLimit();

// Raises the limit as far as this process may: shells and service managers start programs with a
// low one that is meant for old programs. Children inherit it.
void RaiseOpenFilesLimit();

}  // namespace millrace

#endif  // MILLRACE_STORAGE_OPEN_FILES_H_
