#include "master/state_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "mapreduce/status_macros.h"
#include "mapreduce/strings.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

constexpr uint64_t kSmallFileMax = 4096;

std::string LockPath(const std::string& folder) { return absl::StrCat(folder, "/lock"); }
std::string IdentityPath(const std::string& folder) { return absl::StrCat(folder, "/identity"); }

// What the holder of the lock wrote into it: "process 4711 on host alpha".
std::string ReadHolder(int lock) {
  char text[256];
  const ssize_t length = pread(lock, text, sizeof(text), 0);
  return length > 0 ? std::string(text, static_cast<size_t>(length)) : "a process that is starting";
}

void WriteHolder(int lock) {
  char host[200] = "";
  gethostname(host, sizeof(host) - 1);
  const std::string text = absl::StrCat("process ", getpid(), " on host ", host);
  // Only for people who read the message; the lock itself is the kernel's.
  if (ftruncate(lock, 0) != 0 || pwrite(lock, text.data(), text.size(), 0) < 0) return;
}

// For a folder in which nothing can be written. A full disk is a matter of its own.
absl::Status Unusable(const absl::Status& status) {
  if (status.ok() || absl::IsResourceExhausted(status)) return status;
  return absl::InvalidArgumentError(
      absl::StrCat("--state_dir: ", status.message(),
                   "; choose a folder that this user may write to, on a local disk"));
}

absl::StatusOr<int> Lock(const std::string& folder) {
  const std::string path = LockPath(folder);
  const int lock = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return Unusable(PosixError(path, "cannot open the lock of the folder", errno));
  if (flock(lock, LOCK_EX | LOCK_NB) == 0) {
    WriteHolder(lock);
    return lock;
  }
  absl::Status status =
      errno == EWOULDBLOCK
          ? absl::FailedPreconditionError(
                absl::StrCat(folder, ": another master uses this state folder: ", ReadHolder(lock),
                             "; stop it, or choose another --state_dir"))
          : absl::InternalError(absl::StrCat(path, ": cannot lock: ", std::strerror(errno)));
  close(lock);
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateFolder>> StateFolder::Open(FileSystem& fs,
                                                               const std::string& folder) {
  MILLRACE_RETURN_IF_ERROR(Unusable(fs.CreateFolders(folder)));
  MILLRACE_ASSIGN_OR_RETURN(const int lock, Lock(folder));
  auto state = std::unique_ptr<StateFolder>(new StateFolder(folder, lock));
  MILLRACE_RETURN_IF_ERROR(state->ReadIdentity(fs));
  state->epoch_ = Epoch(state->epoch_.value() + 1);
  MILLRACE_RETURN_IF_ERROR(Unusable(state->WriteIdentity(fs)));
  return state;
}

StateFolder::~StateFolder() { close(lock_); }

std::string StateFolder::journal_path() const { return absl::StrCat(folder_, "/journal.db"); }

absl::Status StateFolder::ReadIdentity(FileSystem& fs) {
  const std::string path = IdentityPath(folder_);
  const absl::StatusOr<std::string> text = ReadFile(fs, path, kSmallFileMax);
  if (absl::IsNotFound(text.status())) {
    // A journal without its identity would hand out epochs a second time.
    if (fs.Stat(journal_path()).ok()) {
      return absl::DataLossError(absl::StrCat(path,
                                              ": is missing beside a journal; restore it, or "
                                              "move the journal away to start anew"));
    }
    cluster_id_ = DrawClusterId();
    return absl::OkStatus();
  }
  MILLRACE_RETURN_IF_ERROR(text.status());
  const std::vector<std::string> words =
      absl::StrSplit(*text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  uint64_t epoch = 0;
  const bool valid = words.size() == 4 && words[0] == "cluster" && words[1].size() == 32 &&
                     words[2] == "epoch" && absl::SimpleAtoi(words[3], &epoch) && epoch > 0;
  if (!valid) {
    return absl::DataLossError(absl::StrCat(path,
                                            ": is damaged; it should hold a cluster id and "
                                            "an epoch; restore it, or choose another --state_dir"));
  }
  cluster_id_ = words[1];
  epoch_ = Epoch(epoch);
  return absl::OkStatus();
}

absl::Status StateFolder::WriteIdentity(FileSystem& fs) const {
  return WriteFileAtomically(
      fs, IdentityPath(folder_),
      absl::StrCat("cluster ", cluster_id_, "\nepoch ", epoch_.value(), "\n"));
}

std::string DrawClusterId() {
  uint64_t words[2] = {0, 0};
  // Cannot fail for so few bytes once the kernel has started; EINTR does not happen below 256.
  if (getrandom(words, sizeof(words), 0) != sizeof(words)) std::abort();
  char text[33];
  std::snprintf(text, sizeof(text), "%016llx%016llx", static_cast<unsigned long long>(words[0]),
                static_cast<unsigned long long>(words[1]));
  return text;
}

}  // namespace millrace
