// The folder that holds everything a worker process writes for itself.
//
// Each process makes a fresh one, so that two workers never meet, holds a lock on it for as long as
// it lives and removes it at its end. What dead workers have left under the same parent is removed
// on the way. Blocks; one thread.
#ifndef MILLRACE_WORKER_SCRATCH_FOLDER_H_
#define MILLRACE_WORKER_SCRATCH_FOLDER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/file_system.h"

namespace millrace {

class ScratchFolder {
 public:
  // Makes a folder of this process under `parent`, which is made if need be. `file_system` is the
  // real one and must outlive this object.
  static absl::StatusOr<std::unique_ptr<ScratchFolder>> Make(FileSystem& file_system,
                                                             const std::string& parent);
  // Removes the folder.
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  ScratchFolder(FileSystem& file_system, std::string path, int lock_fd)
      : file_system_(file_system), path_(std::move(path)), lock_fd_(lock_fd) {}

  FileSystem& file_system_;
  const std::string path_;
  const int lock_fd_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_SCRATCH_FOLDER_H_
