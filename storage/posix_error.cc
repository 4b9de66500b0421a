// What an errno means for a caller, and what a person can do about it.
#include <errno.h>
#include <string.h>

#include "absl/strings/str_cat.h"
#include "mapreduce/strings.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
    case ESTALE:  // NFS: removed on the server
      return absl::StatusCode::kNotFound;
    case EEXIST: return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS: return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return absl::StatusCode::kResourceExhausted;
    case EISDIR:
    case ENOTDIR:
    case ENOTEMPTY:
    case ELOOP:
    case EXDEV:
    case EBUSY:
    case ETXTBSY: return absl::StatusCode::kFailedPrecondition;
    case EINVAL:
    case EFBIG:
    case ENAMETOOLONG: return absl::StatusCode::kInvalidArgument;
    case ETIMEDOUT: return absl::StatusCode::kUnavailable;  // a network file system does not answer
    case EIO: return absl::StatusCode::kDataLoss;
    default: return absl::StatusCode::kInternal;
  }
}

// What to do next, when there is something to say; begins with "; ".
const char* AdviceFor(int error) {
  switch (error) {
    case EACCES:
    case EPERM: return "; check the owner and mode of the file and of the folders above it";
    case EROFS: return "; choose a folder on another file system";
    case ENOSPC:
      return "; free some space or inodes (see df and df -i) or choose a folder on another file "
             "system";
    case EDQUOT: return "; free some of your quota or choose a folder on another file system";
    case EMFILE: return "; raise the limit of open files (ulimit -n)";
    case EXDEV: return "; both names must be on one file system";
    case ELOOP: return "; look for a loop of symbolic links";
    case EIO: return "; the device failed, see the kernel's log";
    default: return "";
  }
}

}  // namespace

absl::Status PosixError(std::string_view path, std::string_view what, int error) {
  char buffer[128];
  const char* text = strerror_r(error, buffer, sizeof(buffer));
  return absl::Status(CodeOf(error),
                      absl::StrCat(ToAbsl(path), ": ", ToAbsl(what), ": ", text, AdviceFor(error)));
}

}  // namespace millrace
