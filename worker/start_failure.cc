#include "worker/start_failure.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "storage/open_files.h"
#include "storage/paths.h"

namespace millrace {
namespace {

std::string MachineName(uint16_t machine) {
  switch (machine) {
    case EM_X86_64: return "x86-64";
    case EM_386: return "32-bit x86";
    case EM_AARCH64: return "ARM 64";
    case EM_ARM: return "ARM 32";
    case EM_RISCV: return "RISC-V";
    case EM_PPC64: return "POWER";
    case EM_S390: return "s390";
    default: return absl::StrCat("machine type ", machine);
  }
}

absl::Status NotRunnable(const std::string& path, const std::string& what) {
  return absl::FailedPreconditionError(
      absl::StrCat(path, " cannot run on this host: it is ", what,
                   ", and this host runs x86-64 programs; build the job for x86-64 Linux"));
}

absl::Status NotExecutable(const std::string& path) {
  if (absl::Status mount = CheckFolderAllowsExec(FolderOf(path)); !mount.ok()) return mount;
  struct stat info = {};
  if (stat(path.c_str(), &info) == 0) {
    char mode[8];
    snprintf(mode, sizeof(mode), "%04o", info.st_mode & 07777u);
    return absl::PermissionDeniedError(
        absl::StrCat(path, " may not be executed by this user (mode ", mode,
                     "): allow it with chmod +x, and check the folders above it"));
  }
  return absl::PermissionDeniedError(
      absl::StrCat(path, " may not be executed by this user: check the folders above it"));
}

absl::Status NotFound(const std::string& path) {
  if (access(path.c_str(), F_OK) != 0) {
    return absl::NotFoundError(absl::StrCat(path, " does not exist on this host"));
  }
  return absl::NotFoundError(absl::StrCat(
      path,
      " needs a loader or interpreter that this host does not have: link the job statically"));
}

}  // namespace

absl::Status StartFailure(const std::string& path, int error) {
  switch (error) {
    case ENOENT: return NotFound(path);
    case EACCES:
    case EPERM: return NotExecutable(path);
    case ENOEXEC: {
      absl::Status machine = CheckMachineType(path);
      if (!machine.ok()) return machine;
      return NotRunnable(path, "damaged or no program");
    }
    case ETXTBSY:
      return absl::UnavailableError(
          absl::StrCat(path, " is being written by another process: try again when it is done"));
    case E2BIG:
      return absl::InvalidArgumentError(absl::StrCat("the arguments and the environment for ", path,
                                                     " are longer than the system allows"));
    case EMFILE:
      return absl::UnavailableError(
          absl::StrCat("cannot start ", path, ": this process has too many files open (",
                       OpenFilesLimit(), " are allowed): raise its limit with ulimit -n"));
    default:
      return absl::UnavailableError(absl::StrCat("cannot start ", path, ": ", strerror(error)));
  }
}

absl::Status CheckMachineType(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::NotFoundError(absl::StrCat(path, ": ", strerror(errno)));
  Elf64_Ehdr header = {};
  const ssize_t length = read(fd, &header, sizeof(header));
  close(fd);
  if (length >= 2 && memcmp(&header, "#!", 2) == 0) return absl::OkStatus();
  if (length < static_cast<ssize_t>(sizeof(header)) ||
      memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return NotRunnable(path, "no Linux program");
  }
  // A header in the other byte order has its machine number in the other order too.
  if (header.e_ident[EI_DATA] != ELFDATA2LSB) return NotRunnable(path, "for a big-endian machine");
  if (header.e_machine != EM_X86_64 || header.e_ident[EI_CLASS] != ELFCLASS64) {
    return NotRunnable(path, "for " + MachineName(header.e_machine));
  }
  return absl::OkStatus();
}

absl::Status CheckFolderAllowsExec(const std::string& folder) {
  struct statvfs info = {};
  if (statvfs(folder.c_str(), &info) != 0 || (info.f_flag & ST_NOEXEC) == 0) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      absl::StrCat(folder,
                   " lies on a file system that is mounted noexec, so no job can be started "
                   "from it: choose another folder with --scratch_dir"));
}

}  // namespace millrace
