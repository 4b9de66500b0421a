#include "worker/binary_cache.h"

#include <glog/logging.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "rpc/sha256.h"
#include "storage/paths.h"
#include "worker/binary_fetch.h"
#include "worker/start_failure.h"

namespace millrace {
namespace {

bool SameFile(const FileInfo& a, const FileInfo& b) {
  return a.size == b.size && a.mtime_ns == b.mtime_ns && a.inode == b.inode && a.device == b.device;
}

// A file has one mode, so content that one job executes and another reads has two copies.
std::string CopyName(const JobBinary& binary) {
  return binary.sha256 + (binary.executable ? "" : "-data");
}

absl::Status Changed(const std::string& path) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the job binary ", path, " changed after the job was submitted; submit it again"));
}

}  // namespace

// What the disk says about a binary.
struct BinaryCache::Look {
  // On the submitting host: the file itself.
  enum class InPlace { kAbsent, kSame, kChanged } in_place = InPlace::kAbsent;
  // The cached copy, if its content is right.
  std::optional<FileInfo> cached;

  // Blocks.
  absl::Status Take(FileSystem& fs, const JobBinary& binary, bool same_host,
                    const std::string& cached_path, const FileInfo& verified) {
    if (same_host) LookAtOriginal(fs, binary);
    if (in_place != InPlace::kAbsent) return absl::OkStatus();
    const absl::StatusOr<FileInfo> info = fs.Stat(cached_path);
    if (!info.ok()) return absl::OkStatus();
    if (!SameFile(*info, verified)) {
      const absl::StatusOr<std::string> hex = Sha256HexOfFile(cached_path);
      if (!hex.ok() || *hex != binary.sha256) {
        LOG(WARNING) << "the copy of " << binary.Describe() << " in " << cached_path
                     << " is damaged and will be fetched again";
        return fs.RemoveFile(cached_path);
      }
    }
    cached = *info;
    return absl::OkStatus();
  }

 private:
  void LookAtOriginal(FileSystem& fs, const JobBinary& binary) {
    const absl::StatusOr<FileInfo> info = fs.Stat(binary.path);
    if (!info.ok()) return;
    const bool same = info->size == binary.size && info->mtime_ns == binary.mtime_ns &&
                      info->inode == binary.inode;
    in_place = same ? InPlace::kSame : InPlace::kChanged;
  }
};

BinaryCache::BinaryCache(FileSystem& file_system, BlockingRunner& io, BinarySource& source,
                         BinaryCacheOptions options)
    : file_system_(file_system), io_(io), source_(source), options_(std::move(options)) {}

kj::Promise<absl::StatusOr<std::string>> BinaryCache::Find(JobId job, const JobBinary& binary) {
  users_[job].insert(CopyName(binary));
  return Locate(job, binary);
}

kj::Promise<absl::StatusOr<std::string>> BinaryCache::Locate(JobId job, const JobBinary& binary) {
  auto look = std::make_shared<Look>();
  const bool same_host = binary.host_id == options_.host_id && !binary.is_side_file();
  const std::string cached_path = CachedBinaryPath(options_.scratch_folder, CopyName(binary));
  const auto copy = copies_.find(CopyName(binary));
  const FileInfo verified = copy == copies_.end() ? FileInfo() : copy->second.verified;
  return io_
      .Run([look, &fs = file_system_, binary, same_host, cached_path, verified]() {
        return look->Take(fs, binary, same_host, cached_path, verified);
      })
      .then([this, look, job,
             binary](absl::Status looked) -> kj::Promise<absl::StatusOr<std::string>> {
        if (!looked.ok()) return absl::StatusOr<std::string>(looked);
        return Use(job, binary, *look);
      });
}

kj::Promise<absl::StatusOr<std::string>> BinaryCache::Use(JobId job, const JobBinary& binary,
                                                          const Look& look) {
  if (look.in_place == Look::InPlace::kSame) return absl::StatusOr<std::string>(binary.path);
  if (look.in_place == Look::InPlace::kChanged) {
    return absl::StatusOr<std::string>(Changed(binary.path));
  }
  if (!look.cached.has_value()) return Fetch(job, binary);
  Copy& copy = copies_[CopyName(binary)];
  copy.size = look.cached->size;
  copy.verified = *look.cached;
  copy.last_use = ++uses_;
  return absl::StatusOr<std::string>(CachedBinaryPath(options_.scratch_folder, CopyName(binary)));
}

kj::Promise<absl::StatusOr<std::string>> BinaryCache::Fetch(JobId job, const JobBinary& binary) {
  const std::string name = CopyName(binary);
  auto fetch = fetches_.find(name);
  if (fetch == fetches_.end()) {
    copies_.erase(name);
    if (absl::Status room = Evict(binary.size); !room.ok()) {
      return absl::StatusOr<std::string>(room);
    }
    Pending pending{++fetches_begun_, FetchOnce(job, binary).fork()};
    fetch = fetches_.emplace(name, kj::mv(pending)).first;
  }
  const uint64_t number = fetch->second.number;
  return fetch->second.end.addBranch().then(
      [this, job, binary,
       number](absl::Status fetched) -> kj::Promise<absl::StatusOr<std::string>> {
        // The first of those who waited cleans up; by now there may be a newer fetch.
        const auto ended = fetches_.find(CopyName(binary));
        if (ended != fetches_.end() && ended->second.number == number) fetches_.erase(ended);
        if (!fetched.ok()) return absl::StatusOr<std::string>(fetched);
        return Locate(job, binary);
      });
}

kj::Promise<absl::Status> BinaryCache::FetchOnce(JobId job, const JobBinary& binary) {
  const std::string path = CachedBinaryPath(options_.scratch_folder, CopyName(binary));
  auto fetch = kj::heap<BinaryFetch>(file_system_, io_, binary, path);
  kj::Promise<absl::Status> run = fetch->Run(job, source_);
  return run.attach(kj::mv(fetch)).then([this, path, binary](absl::Status fetched) {
    if (!fetched.ok() || !binary.executable) return kj::Promise<absl::Status>(fetched);
    return io_.Run([path, binary]() -> absl::Status {
      MILLRACE_RETURN_IF_ERROR(CheckFolderAllowsExec(FolderOf(path)));
      if (binary.is_side_file()) return absl::OkStatus();  // of whatever kind: not we run it
      const absl::Status machine = CheckMachineType(path);
      // Another host may be of the right kind: that is no fault of the job alone.
      return machine.ok() ? machine : absl::InvalidArgumentError(machine.message());
    });
  });
}

absl::Status BinaryCache::Evict(uint64_t bytes) {
  while (cached_bytes() + bytes > options_.max_bytes) {
    auto oldest = copies_.end();
    for (auto copy = copies_.begin(); copy != copies_.end(); ++copy) {
      if (InUse(copy->first)) continue;
      if (oldest == copies_.end() || copy->second.last_use < oldest->second.last_use) oldest = copy;
    }
    if (oldest == copies_.end()) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "a file of ", bytes, " bytes does not fit: ", cached_bytes(), " of ", options_.max_bytes,
          " bytes hold binaries and side files of jobs that run here"));
    }
    const std::string path = CachedBinaryPath(options_.scratch_folder, oldest->first);
    io_.Run([&fs = file_system_, path]() { return fs.RemoveFile(path); })
        .detach([](kj::Exception&&) {});
    copies_.erase(oldest);
  }
  return absl::OkStatus();
}

void BinaryCache::Release(JobId job) { users_.erase(job); }

bool BinaryCache::InUse(const std::string& name) const {
  for (const auto& [job, used] : users_) {
    if (used.count(name) > 0) return true;
  }
  return false;
}

uint64_t BinaryCache::cached_bytes() const {
  uint64_t bytes = 0;
  for (const auto& [name, copy] : copies_) bytes += copy.size;
  return bytes;
}

}  // namespace millrace
