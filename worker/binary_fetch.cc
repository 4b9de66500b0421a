#include "worker/binary_fetch.h"

#include <string.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "rpc/sha256.h"
#include "rpc/status_exception.h"
#include "storage/paths.h"

namespace millrace {
namespace {

// Programs see side files themselves, not copies, and other jobs may have the same ones.
mode_t ModeOf(const JobBinary& binary) {
  if (!binary.is_side_file()) return 0700;
  return binary.executable ? 0500 : 0400;
}

}  // namespace

// The file that is being written. Used by one piece of work on the I/O thread at a time.
struct BinaryFetch::Target {
  Target(FileSystem& fs, std::string final_path)
      : file_system(fs), path(std::move(final_path)), temporary(TemporaryName(path)) {}

  absl::Status Open() {
    MILLRACE_RETURN_IF_ERROR(file_system.CreateFolders(FolderOf(path)));
    MILLRACE_ASSIGN_OR_RETURN(file, file_system.OpenForWriting(temporary));
    return absl::OkStatus();
  }

  absl::Status Append(const std::string& chunk) {
    sha256.Update(chunk);
    return file->Append(chunk);
  }

  absl::Status Finish(const JobBinary& binary) {
    MILLRACE_RETURN_IF_ERROR(file->Close());
    file = nullptr;  // a program that is open for writing cannot be started
    if (const std::string hex = sha256.FinishHex(); hex != binary.sha256) {
      return absl::DataLossError(absl::StrCat(binary.Describe(),
                                              " was damaged on its way: its SHA-256 is ", hex,
                                              " and should be ", binary.sha256));
    }
    if (chmod(temporary.c_str(), ModeOf(binary)) != 0) {
      return absl::UnavailableError(
          absl::StrCat(temporary, ": its mode cannot be set: ", strerror(errno)));
    }
    return file_system.Rename(temporary, path);
  }

  void Discard() {
    file = nullptr;
    file_system.RemoveFile(temporary).IgnoreError();  // it may be renamed or never made
  }

  FileSystem& file_system;
  const std::string path;
  const std::string temporary;
  std::unique_ptr<WritableFile> file;
  Sha256Stream sha256;
};

BinaryFetch::BinaryFetch(FileSystem& file_system, BlockingRunner& io, JobBinary binary,
                         std::string path)
    : io_(io),
      binary_(std::move(binary)),
      target_(std::make_shared<Target>(file_system, std::move(path))) {}

BinaryFetch::~BinaryFetch() noexcept(false) {
  io_.Run([target = target_]() {
       target->Discard();
       return absl::OkStatus();
     })
      .detach([](kj::Exception&&) {});
}

kj::Promise<absl::Status> BinaryFetch::Run(JobId job, BinarySource& source) {
  return source.Open(job, binary_.name)
      .then([this](kj::Own<BinaryStream> stream) { return CopyFrom(kj::mv(stream)); })
      .catch_([](kj::Exception&& exception) { return ToStatus(exception); });
}

kj::Promise<absl::Status> BinaryFetch::CopyFrom(kj::Own<BinaryStream> stream) {
  stream_ = kj::mv(stream);
  return io_.Run([target = target_]() { return target->Open(); })
      .then([this](absl::Status opened) -> kj::Promise<absl::Status> {
        if (!opened.ok()) return opened;
        return CopyRest(0);
      });
}

kj::Promise<absl::Status> BinaryFetch::CopyRest(uint64_t offset) {
  if (offset == binary_.size) return Finish();
  const uint32_t length = std::min<uint64_t>(binary_.size - offset, kBinaryChunkBytes);
  return stream_->Read(offset, length)
      .then([this, offset, length](std::string chunk) -> kj::Promise<absl::Status> {
        if (chunk.size() != length) {
          return absl::DataLossError(absl::StrCat(binary_.Describe(),
                                                  " came incomplete: it ended at byte ",
                                                  offset + chunk.size(), " of ", binary_.size));
        }
        return Append(offset, std::move(chunk));
      });
}

kj::Promise<absl::Status> BinaryFetch::Append(uint64_t offset, std::string chunk) {
  const uint64_t next = offset + chunk.size();
  return io_.Run([target = target_, chunk = std::move(chunk)]() { return target->Append(chunk); })
      .then([this, next](absl::Status appended) -> kj::Promise<absl::Status> {
        if (!appended.ok()) return appended;
        return CopyRest(next);
      });
}

kj::Promise<absl::Status> BinaryFetch::Finish() {
  stream_ = nullptr;
  return io_.Run([target = target_, binary = binary_]() { return target->Finish(binary); });
}

}  // namespace millrace
