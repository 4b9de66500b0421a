// The executables and side files of jobs, for workers: executables that clients on this host named,
// where they lie, and whatever else clients sent, in a folder of the master's.
//
// All file access runs on the I/O thread. Bounded: at most kOutstandingMax reads and writes are
// under way (one more is refused with OVERLOADED), a binary has at most kBinaryBytesMax bytes, and
// of the uploaded ones that neither an unfinished job nor a submission needs the oldest go when
// there are more than kKeptMax.
//
// Lives on one event loop.
#ifndef MILLRACE_MASTER_BINARY_STORE_H_
#define MILLRACE_MASTER_BINARY_STORE_H_

#include <kj/async.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/io_thread.h"
#include "rpc/task_types.h"
#include "storage/file_system.h"

namespace millrace {

class BinaryStore {
 public:
  static constexpr uint64_t kBinaryBytesMax = 2ull << 30;
  static constexpr uint32_t kChunkBytesMax = 1u << 20;
  static constexpr size_t kOutstandingMax = 128;
  static constexpr size_t kKeptMax = 100;  // all side files of one job have room

  class Upload;
  class OpenBinary;

  // Uploads go to `folder`, which is made when the first arrives. `host_id` is this host's.
  BinaryStore(FileSystem& fs, BlockingRunner& runner, std::string folder, std::string host_id);
  KJ_DISALLOW_COPY(BinaryStore);

  // Whether somebody must send the bytes: this host has them neither uploaded nor, of an
  // executable, in place.
  kj::Promise<bool> Needs(const JobBinary& binary);

  std::unique_ptr<Upload> StartUpload(const JobBinary& binary);

  // Refused, with a message for people, when the file is gone or is not what it was when the job
  // was submitted.
  kj::Promise<absl::StatusOr<std::shared_ptr<OpenBinary>>> Open(const JobBinary& binary);

  // Files (SHA-256 of each) that are here, or will be, and stay as long as somebody has the hold.
  // What Needs says after this is true for as long.
  using Hold = std::shared_ptr<const std::set<std::string>>;
  Hold HoldFiles(std::set<std::string> files);

  // Removes the oldest uploaded binaries that are neither held nor among `in_use` (SHA-256 of
  // each).
  void Prune(std::set<std::string> in_use);

 private:
  // Counts what is under way, for all uploads and readers.
  struct Lane {
    BlockingRunner& runner;
    size_t outstanding = 0;

    kj::Promise<absl::Status> Run(const std::shared_ptr<Lane>& self,
                                  std::function<absl::Status()> work);
  };

  FileSystem& fs_;
  const std::shared_ptr<Lane> lane_;
  const std::string folder_;
  const std::string host_id_;
  uint64_t uploads_ = 0;
  std::vector<std::weak_ptr<const std::set<std::string>>> holds_;  // some may have ended
};

// A binary on its way in. Dropped before Finish, it leaves nothing behind.
class BinaryStore::Upload {
 public:
  Upload(FileSystem& fs, std::shared_ptr<Lane> lane, const JobBinary& binary, std::string folder,
         uint64_t number);
  ~Upload();
  KJ_DISALLOW_COPY(Upload);

  // In order, without gaps, at most kChunkBytesMax at a time.
  kj::Promise<absl::Status> Append(uint64_t offset, std::string data);
  // Checks length and digest, and puts the file in its place.
  kj::Promise<absl::Status> Finish();

 private:
  struct File;

  const std::shared_ptr<Lane> lane_;
  const std::shared_ptr<File> file_;  // touched by the I/O thread alone
};

// A binary on its way out.
class BinaryStore::OpenBinary {
 public:
  OpenBinary(std::shared_ptr<Lane> lane, std::shared_ptr<ReadableFile> file)
      : lane_(std::move(lane)), file_(std::move(file)) {}

  uint64_t size() const { return file_->size(); }
  // At most kChunkBytesMax; fewer than `length` only at the end.
  kj::Promise<absl::StatusOr<std::string>> Read(uint64_t offset, uint32_t length);

 private:
  const std::shared_ptr<Lane> lane_;
  const std::shared_ptr<ReadableFile> file_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_BINARY_STORE_H_
