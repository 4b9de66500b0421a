#include "worker/engine/temp_files.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "storage/paths.h"

namespace millrace {

TempFiles::TempFiles(FileSystem* fs, std::string folder) : fs_(fs), folder_(std::move(folder)) {}

TempFiles::~TempFiles() {
  // The whole folder goes with its attempt; what cannot be removed now goes then.
  for (const std::string& path : paths_) fs_->RemoveFile(path).IgnoreError();
}

std::string TempFiles::NewPath(std::string_view prefix) {
  paths_.push_back(JoinPath(folder_, std::string(prefix) + absl::StrFormat("-%04d", made_++)));
  return paths_.back();
}

void TempFiles::Remove(const std::string& path) {
  fs_->RemoveFile(path).IgnoreError();
  paths_.erase(std::remove(paths_.begin(), paths_.end(), path), paths_.end());
}

}  // namespace millrace
