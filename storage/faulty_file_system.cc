#include "storage/faulty_file_system.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"

namespace millrace {
namespace {

bool ChangesDisk(FileOperation operation) {
  switch (operation) {
    case FileOperation::kOpenForReading:
    case FileOperation::kRead:
    case FileOperation::kLook: return false;
    default: return true;
  }
}

absl::Status WithPath(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

}  // namespace

class FaultyFileSystem::FaultyReadableFile : public ReadableFile {
 public:
  FaultyReadableFile(std::string path, FaultyFileSystem* fs, std::unique_ptr<ReadableFile> base)
      : path_(std::move(path)), fs_(fs), base_(std::move(base)) {}

  uint64_t size() const override { return base_->size(); }

  absl::StatusOr<size_t> Read(uint64_t offset, size_t length, char* buffer) override {
    MILLRACE_RETURN_IF_ERROR(fs_->Admit(FileOperation::kRead, path_));
    return base_->Read(offset, length, buffer);
  }

 private:
  const std::string path_;
  FaultyFileSystem* const fs_;
  const std::unique_ptr<ReadableFile> base_;
};

class FaultyFileSystem::FaultyWritableFile : public WritableFile {
 public:
  FaultyWritableFile(std::string path, FaultyFileSystem* fs, std::unique_ptr<WritableFile> base)
      : path_(std::move(path)), fs_(fs), base_(std::move(base)) {}

  absl::Status Append(std::string_view data) override {
    const bool was_stopped = fs_->stopped();
    absl::Status admitted = fs_->Admit(FileOperation::kWrite, path_);
    if (!was_stopped && fs_->stopped()) {
      base_->Append(data.substr(0, data.size() / 2)).IgnoreError();  // died in the middle of it
    }
    if (!admitted.ok()) return admitted;
    return base_->Append(data);
  }

  absl::Status Sync() override {
    MILLRACE_RETURN_IF_ERROR(fs_->Admit(FileOperation::kSync, path_));
    return base_->Sync();
  }

  absl::Status Close() override {
    MILLRACE_RETURN_IF_ERROR(fs_->Admit(FileOperation::kClose, path_));
    return base_->Close();
  }

 private:
  const std::string path_;
  FaultyFileSystem* const fs_;
  const std::unique_ptr<WritableFile> base_;
};

void FaultyFileSystem::FailNth(FileOperation operation, int n, absl::Status status) {
  std::lock_guard<std::mutex> lock(mutex_);
  faults_.push_back(Fault{operation, n, /*every=*/false, std::move(status)});
}

void FaultyFileSystem::FailEvery(FileOperation operation, absl::Status status) {
  std::lock_guard<std::mutex> lock(mutex_);
  faults_.push_back(Fault{operation, 1, /*every=*/true, std::move(status)});
}

void FaultyFileSystem::StopAfter(int changes) {
  std::lock_guard<std::mutex> lock(mutex_);
  stop_at_ = changes_ + changes;
}

void FaultyFileSystem::Heal() {
  std::lock_guard<std::mutex> lock(mutex_);
  faults_.clear();
  stop_at_ = -1;
  stopped_ = false;
}

int FaultyFileSystem::changes() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return changes_;
}

bool FaultyFileSystem::stopped() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return stopped_;
}

absl::Status FaultyFileSystem::Admit(FileOperation operation, const std::string& path) {
  std::lock_guard<std::mutex> lock(mutex_);
  const bool changes_disk = ChangesDisk(operation);
  if (changes_disk && stop_at_ >= 0 && changes_ >= stop_at_) stopped_ = true;
  if (stopped_) return absl::UnavailableError(path + ": this process was stopped");
  if (changes_disk) ++changes_;
  for (Fault& fault : faults_) {
    if (fault.operation != operation || fault.countdown <= 0) continue;
    if (--fault.countdown > 0) continue;
    if (fault.every) fault.countdown = 1;
    return WithPath(path, fault.status);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ReadableFile>> FaultyFileSystem::OpenForReading(
    const std::string& path) {
  MILLRACE_RETURN_IF_ERROR(Admit(FileOperation::kOpenForReading, path));
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, base_->OpenForReading(path));
  return std::make_unique<FaultyReadableFile>(path, this, std::move(file));
}

absl::StatusOr<std::unique_ptr<WritableFile>> FaultyFileSystem::OpenForWriting(
    const std::string& path) {
  MILLRACE_RETURN_IF_ERROR(Admit(FileOperation::kOpenForWriting, path));
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, base_->OpenForWriting(path));
  return std::make_unique<FaultyWritableFile>(path, this, std::move(file));
}

absl::StatusOr<FileInfo> FaultyFileSystem::Stat(const std::string& path) {
  MILLRACE_RETURN_IF_ERROR(Admit(FileOperation::kLook, path));
  return base_->Stat(path);
}

absl::StatusOr<std::vector<std::string>> FaultyFileSystem::List(const std::string& folder) {
  MILLRACE_RETURN_IF_ERROR(Admit(FileOperation::kLook, folder));
  return base_->List(folder);
}

absl::Status FaultyFileSystem::CreateFolders(const std::string& folder) {
  MILLRACE_RETURN_IF_ERROR(Admit(FileOperation::kCreateFolders, folder));
  return base_->CreateFolders(folder);
}

absl::Status FaultyFileSystem::Rename(const std::string& from, const std::string& to) {
  MILLRACE_RETURN_IF_ERROR(Admit(FileOperation::kRename, from));
  return base_->Rename(from, to);
}

absl::Status FaultyFileSystem::RemoveFile(const std::string& path) {
  MILLRACE_RETURN_IF_ERROR(Admit(FileOperation::kRemove, path));
  return base_->RemoveFile(path);
}

absl::Status FaultyFileSystem::RemoveTree(const std::string& folder) {
  MILLRACE_RETURN_IF_ERROR(Admit(FileOperation::kRemove, folder));
  return base_->RemoveTree(folder);
}

absl::Status FaultyFileSystem::RemoveEmptyFolder(const std::string& folder) {
  MILLRACE_RETURN_IF_ERROR(Admit(FileOperation::kRemove, folder));
  return base_->RemoveEmptyFolder(folder);
}

absl::Status FaultyFileSystem::SyncFolder(const std::string& folder) {
  MILLRACE_RETURN_IF_ERROR(Admit(FileOperation::kSyncFolder, folder));
  return base_->SyncFolder(folder);
}

absl::StatusOr<uint64_t> FaultyFileSystem::FreeBytes(const std::string& path) {
  MILLRACE_RETURN_IF_ERROR(Admit(FileOperation::kLook, path));
  return base_->FreeBytes(path);
}

absl::StatusOr<std::string> FaultyFileSystem::RealPath(const std::string& path) {
  MILLRACE_RETURN_IF_ERROR(Admit(FileOperation::kLook, path));
  return base_->RealPath(path);
}

absl::Status FlipBit(FileSystem& fs, const std::string& path, uint64_t bit) {
  constexpr uint64_t kAnySize = std::numeric_limits<uint64_t>::max();
  MILLRACE_ASSIGN_OR_RETURN(std::string content, ReadFile(fs, path, kAnySize));
  if (bit / 8 >= content.size()) {
    return absl::OutOfRangeError(absl::StrCat(path, ": has no bit ", bit));
  }
  content[bit / 8] ^= static_cast<char>(1 << (bit % 8));
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, fs.OpenForWriting(path));
  MILLRACE_RETURN_IF_ERROR(file->Append(content));
  return file->Close();
}

}  // namespace millrace
