#include "worker/cursor_memory.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

absl::Status Failed(int error) {
  return absl::UnavailableError(
      absl::StrCat("cannot make the cursor page of an executor: ", strerror(error)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<CursorMemory>> CursorMemory::Make() {
  const int fd = memfd_create("millrace-cursor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return Failed(errno);
  void* page = MAP_FAILED;
  // Sealed, because reading a page that user code has cut off would kill the worker.
  if (ftruncate(fd, sizeof(CursorPage)) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0) {
    page = mmap(nullptr, sizeof(CursorPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  if (page == MAP_FAILED) {
    const absl::Status failed = Failed(errno);
    close(fd);
    return failed;
  }
  return std::unique_ptr<CursorMemory>(new CursorMemory(fd, static_cast<CursorPage*>(page)));
}

CursorMemory::~CursorMemory() {
  munmap(page_, sizeof(CursorPage));
  close(fd_);
}

}  // namespace millrace
