#include "client/own_binary.h"

#include <limits.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/paths.h"

namespace millrace {

absl::StatusOr<std::string> OwnBinaryPath() {
  char buffer[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", buffer, sizeof(buffer));
  if (length > 0) {
    const std::string path(buffer, length);
    if (!absl::EndsWith(path, " (deleted)")) return path;
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": this program's file was replaced since it started; start it again"));
  }
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel hands the address over as a number.
  const auto* const started_as = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  if (started_as == nullptr || getcwd(buffer, sizeof(buffer)) == nullptr) {
    return absl::NotFoundError("cannot find this program's file: /proc is not mounted");
  }
  return AbsolutePath(buffer, started_as);
}

}  // namespace millrace
