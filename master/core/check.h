// The core's only way to stop: a broken invariant is a bug, the process dies, and recovery from the
// journal is the tested path. No logging library, so that the core stays free of I/O.
#ifndef MILLRACE_MASTER_CORE_CHECK_H_
#define MILLRACE_MASTER_CORE_CHECK_H_

namespace millrace {

// Prints "FILE:LINE: broken invariant: CONDITION" to standard error and aborts.
[[noreturn]] void CoreCheckFailed(const char* file, int line, const char* condition);

}  // namespace millrace

#define CORE_CHECK(condition)                                                      \
  do {                                                                             \
    if (!(condition)) ::millrace::CoreCheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)

#endif  // MILLRACE_MASTER_CORE_CHECK_H_
