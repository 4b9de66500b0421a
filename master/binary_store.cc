#include "master/binary_store.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "mapreduce/status_macros.h"
#include "rpc/sha256.h"
#include "storage/paths.h"

namespace millrace {
namespace {

// The file that a client named, as it was when it named it.
absl::Status CheckUnchanged(FileSystem& fs, const JobBinary& binary) {
  const absl::StatusOr<FileInfo> info = fs.Stat(binary.path);
  if (!info.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat(binary.Describe(), " cannot be read any more (", info.status().ToString(),
                     "); build it and submit the job again"));
  }
  if (info->size != binary.size || info->mtime_ns != binary.mtime_ns ||
      info->inode != binary.inode) {
    return absl::FailedPreconditionError(absl::StrCat(
        binary.Describe(), " was changed after the job was submitted; submit the job again"));
  }
  return absl::OkStatus();
}

bool IsUploaded(FileSystem& fs, const std::string& path, uint64_t size) {
  const absl::StatusOr<FileInfo> info = fs.Stat(path);
  return info.ok() && info->kind == FileKind::kRegular && info->size == size;
}

absl::Status PruneFolder(FileSystem& fs, const std::string& folder,
                         const std::set<std::string>& in_use) {
  absl::StatusOr<std::vector<std::string>> names = fs.List(folder);
  if (!names.ok()) return absl::OkStatus();           // nothing was ever uploaded
  std::vector<std::pair<int64_t, std::string>> idle;  // by age
  for (const std::string& name : *names) {
    if (!IsSha256Hex(name) || in_use.count(name) > 0) continue;
    MILLRACE_ASSIGN_OR_RETURN(const FileInfo info, fs.Stat(JoinPath(folder, name)));
    idle.emplace_back(info.mtime_ns, name);
  }
  std::sort(idle.begin(), idle.end());
  for (size_t i = 0; i + BinaryStore::kKeptMax < idle.size(); ++i) {
    MILLRACE_RETURN_IF_ERROR(fs.RemoveFile(JoinPath(folder, idle[i].second)));
  }
  return absl::OkStatus();
}

}  // namespace

// Everything of an upload that touches the disk.
struct BinaryStore::Upload::File {
  File(FileSystem& fs, const JobBinary& binary, std::string folder, std::string temporary)
      : fs(fs), binary(binary), folder(std::move(folder)), temporary(std::move(temporary)) {}

  FileSystem& fs;
  const JobBinary binary;
  const std::string folder;
  const std::string temporary;
  std::unique_ptr<WritableFile> out;
  Sha256Stream sha256;
  uint64_t size = 0;

  absl::Status Append(uint64_t offset, const std::string& data) {
    if (offset != size || data.size() > kChunkBytesMax || offset + data.size() > binary.size) {
      return absl::InvalidArgumentError(
          absl::StrCat(data.size(), " bytes of ", binary.Describe(), " arrived for place ", offset,
                       " of ", binary.size, ", where byte ", size, " was due"));
    }
    if (out == nullptr) {
      MILLRACE_RETURN_IF_ERROR(fs.CreateFolders(folder));
      MILLRACE_ASSIGN_OR_RETURN(out, fs.OpenForWriting(temporary));
    }
    sha256.Update(data);
    size += data.size();
    return out->Append(data);
  }

  absl::Status Finish() {
    if (out == nullptr || size != binary.size || sha256.FinishHex() != binary.sha256) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the bytes sent of ", binary.Describe(), " (", size, " of ", binary.size,
          ") are not those that it announced; was it changed meanwhile? Submit the job again"));
    }
    MILLRACE_RETURN_IF_ERROR(out->Sync());
    MILLRACE_RETURN_IF_ERROR(out->Close());
    out.reset();
    MILLRACE_RETURN_IF_ERROR(fs.Rename(temporary, JoinPath(folder, binary.sha256)));
    return fs.SyncFolder(folder);
  }

  absl::Status Discard() {
    if (out == nullptr) return absl::OkStatus();
    out.reset();
    return fs.RemoveFile(temporary);
  }
};

BinaryStore::BinaryStore(FileSystem& fs, BlockingRunner& runner, std::string folder,
                         std::string host_id)
    : fs_(fs),
      lane_(std::make_shared<Lane>(Lane{runner})),
      folder_(std::move(folder)),
      host_id_(std::move(host_id)) {}

kj::Promise<absl::Status> BinaryStore::Lane::Run(const std::shared_ptr<Lane>& self,
                                                 std::function<absl::Status()> work) {
  if (outstanding >= kOutstandingMax) {
    return absl::Status(absl::ResourceExhaustedError(
        absl::StrCat("the master is busy with ", outstanding, " pieces of job binaries")));
  }
  ++outstanding;
  return runner.Run(std::move(work)).attach(kj::defer([self]() { --self->outstanding; }));
}

kj::Promise<bool> BinaryStore::Needs(const JobBinary& binary) {
  auto needed = std::make_shared<bool>(true);
  const bool same_host = binary.host_id == host_id_ && !binary.is_side_file();
  const std::string uploaded = JoinPath(folder_, binary.sha256);
  auto looked = lane_->Run(lane_, [&fs = fs_, binary, same_host, uploaded, needed]() {
    *needed =
        !(same_host && CheckUnchanged(fs, binary).ok()) && !IsUploaded(fs, uploaded, binary.size);
    return absl::OkStatus();
  });
  return looked.then([needed](absl::Status) { return *needed; });
}

std::unique_ptr<BinaryStore::Upload> BinaryStore::StartUpload(const JobBinary& binary) {
  return std::make_unique<Upload>(fs_, lane_, binary, folder_, ++uploads_);
}

kj::Promise<absl::StatusOr<std::shared_ptr<BinaryStore::OpenBinary>>> BinaryStore::Open(
    const JobBinary& binary) {
  auto file = std::make_shared<std::shared_ptr<ReadableFile>>();
  const bool same_host = binary.host_id == host_id_ && !binary.is_side_file();
  const std::string uploaded = JoinPath(folder_, binary.sha256);
  auto opened = lane_->Run(lane_, [&fs = fs_, binary, same_host, uploaded, file]() {
    const bool use_uploaded = IsUploaded(fs, uploaded, binary.size);
    if (!use_uploaded && !same_host) {
      return absl::FailedPreconditionError(
          absl::StrCat("the master has no copy of ", binary.Describe(), "; submit the job again"));
    }
    if (!use_uploaded) MILLRACE_RETURN_IF_ERROR(CheckUnchanged(fs, binary));
    MILLRACE_ASSIGN_OR_RETURN(*file, fs.OpenForReading(use_uploaded ? uploaded : binary.path));
    return absl::OkStatus();
  });
  return opened.then(
      [lane = lane_, file](absl::Status status) -> absl::StatusOr<std::shared_ptr<OpenBinary>> {
        if (!status.ok()) return status;
        return std::make_shared<OpenBinary>(lane, std::move(*file));
      });
}

BinaryStore::Hold BinaryStore::HoldFiles(std::set<std::string> files) {
  const auto has_ended = [](const auto& hold) { return hold.expired(); };
  holds_.erase(std::remove_if(holds_.begin(), holds_.end(), has_ended), holds_.end());
  Hold hold = std::make_shared<std::set<std::string>>(std::move(files));
  holds_.push_back(hold);
  return hold;
}

// Who looks for a file after this does so behind it, on the one I/O thread, and finds it gone.
void BinaryStore::Prune(std::set<std::string> in_use) {
  for (const auto& one : holds_) {
    if (const Hold hold = one.lock()) in_use.insert(hold->begin(), hold->end());
  }
  // Not worth waiting for: work that was accepted runs to its end.
  lane_
      ->Run(lane_,
            [&fs = fs_, folder = folder_, in_use = std::move(in_use)]() {
              const absl::Status pruned = PruneFolder(fs, folder, in_use);
              LOG_IF(WARNING, !pruned.ok()) << "old job binaries stay: " << pruned;
              return absl::OkStatus();
            })
      .ignoreResult()
      .detach([](kj::Exception&&) {});
}

BinaryStore::Upload::Upload(FileSystem& fs, std::shared_ptr<Lane> lane, const JobBinary& binary,
                            std::string folder, uint64_t number)
    : lane_(std::move(lane)),
      file_(std::make_shared<File>(
          fs, binary, folder,
          JoinPath(folder, absl::StrCat(".", binary.sha256, ".upload-", number)))) {}

BinaryStore::Upload::~Upload() {
  // Runs to its end although nobody waits.
  lane_->runner.Run([file = file_]() { return file->Discard(); })
      .ignoreResult()
      .detach([](kj::Exception&&) {});
}

kj::Promise<absl::Status> BinaryStore::Upload::Append(uint64_t offset, std::string data) {
  return lane_->Run(lane_, [file = file_, offset, data = std::move(data)]() {
    return file->Append(offset, data);
  });
}

kj::Promise<absl::Status> BinaryStore::Upload::Finish() {
  return lane_->Run(lane_, [file = file_]() { return file->Finish(); });
}

kj::Promise<absl::StatusOr<std::string>> BinaryStore::OpenBinary::Read(uint64_t offset,
                                                                       uint32_t length) {
  auto data = std::make_shared<std::string>();
  auto read = lane_->Run(lane_, [file = file_, offset, length, data]() {
    if (offset >= file->size()) return absl::OkStatus();
    data->resize(std::min({uint64_t{length}, uint64_t{kChunkBytesMax}, file->size() - offset}));
    MILLRACE_ASSIGN_OR_RETURN(const size_t got, file->Read(offset, data->size(), data->data()));
    data->resize(got);
    return absl::OkStatus();
  });
  return read.then([data](absl::Status status) -> absl::StatusOr<std::string> {
    if (!status.ok()) return status;
    return std::move(*data);
  });
}

}  // namespace millrace
