#include "storage/open_files.h"

#include <sys/resource.h>

#include <algorithm>

namespace millrace {
namespace {

// Far more than we open. Where the hard limit is a billion, programs that walk over all possible
// descriptors would take minutes, and user code may start such programs.
constexpr rlim_t kEnough = 65'536;

}  // namespace

size_t OpenFilesLimit() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<size_t>(limit.rlim_cur);
}

void RaiseOpenFilesLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kEnough) return;
  limit.rlim_cur = std::min(limit.rlim_max, kEnough);
  setrlimit(RLIMIT_NOFILE, &limit);  // cannot fail up to the hard limit
}

}  // namespace millrace
