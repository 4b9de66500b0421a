#include "storage/memory_file_system.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/paths.h"

namespace millrace {
namespace {

struct Node;
using NodePtr = std::shared_ptr<Node>;
using Entries = std::map<std::string, NodePtr, std::less<>>;

// A file or a folder.
struct Node {
  bool is_folder = false;
  uint64_t inode = 0;
  int64_t mtime_ns = 0;
  std::string content;         // of a file, as readers see it
  std::string synced_content;  // as it is on disk
  Entries entries;             // of a folder, as readers see it
  Entries synced_entries;      // as it is on disk
};

absl::Status NotFound(const std::string& path) {
  return absl::NotFoundError(path + ": no such file or folder");
}
absl::Status NotAFolder(const std::string& path) {
  return absl::FailedPreconditionError(path + ": is not a folder");
}
absl::Status IsAFolder(const std::string& path) {
  return absl::FailedPreconditionError(path + ": is a folder");
}
absl::Status NotEmpty(const std::string& path) {
  return absl::FailedPreconditionError(path + ": the folder is not empty");
}

uint64_t BytesIn(const Node& node) {
  uint64_t bytes = node.content.size();
  for (const auto& [name, child] : node.entries) bytes += BytesIn(*child);
  return bytes;
}

void GoBackToDisk(Node* node) {
  node->content = node->synced_content;
  node->entries = node->synced_entries;
  for (const auto& [name, child] : node->entries) GoBackToDisk(child.get());
}

// The names in `path` from the root down, without "." and "..".
std::vector<std::string> NamesOf(const std::string& path) {
  std::vector<std::string> names;
  size_t begin = 0;
  while (begin < path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    std::string name = path.substr(begin, end - begin);
    if (name == "..") {
      if (!names.empty()) names.pop_back();
    } else if (!name.empty() && name != ".") {
      names.push_back(std::move(name));
    }
    begin = end + 1;
  }
  return names;
}

std::string PathOf(const std::vector<std::string>& names) {
  std::string path;
  for (const std::string& name : names) path += "/" + name;
  return path.empty() ? "/" : path;
}

}  // namespace

// The tree, and the lock for everything in it.
class MemoryFileSystem::Disk {
 public:
  explicit Disk(uint64_t capacity) : root(NewNode(/*is_folder=*/true)), capacity(capacity) {}

  NodePtr NewNode(bool is_folder) {
    auto node = std::make_shared<Node>();
    node->is_folder = is_folder;
    node->inode = ++last_inode;
    Touch(node.get());
    return node;
  }

  void Touch(Node* node) { node->mtime_ns = ++last_time; }

  absl::StatusOr<NodePtr> Find(const std::string& path) { return Walk(path, NamesOf(path)); }

  absl::StatusOr<NodePtr> FindFolder(const std::string& path) {
    MILLRACE_ASSIGN_OR_RETURN(NodePtr node, Find(path));
    if (!node->is_folder) return NotAFolder(path);
    return node;
  }

  // The folder that holds the last name of `path`, and that name.
  absl::StatusOr<std::pair<NodePtr, std::string>> FindParent(const std::string& path) {
    std::vector<std::string> names = NamesOf(path);
    if (names.empty()) return absl::InvalidArgumentError(path + ": is the root folder");
    std::string last = std::move(names.back());
    names.pop_back();
    MILLRACE_ASSIGN_OR_RETURN(NodePtr parent, Walk(path, names));
    if (!parent->is_folder) return NotAFolder(path);
    return std::make_pair(std::move(parent), std::move(last));
  }

  uint64_t FreeBytes() const {
    if (capacity == kUnlimited) return kUnlimited;
    return capacity - std::min(capacity, BytesIn(*root));
  }

  std::mutex mutex;  // guards everything below and every node
  uint64_t last_inode = 0;
  int64_t last_time = 0;
  NodePtr root;
  uint64_t capacity;
  int crashes = 0;  // files opened before the last one are dead

 private:
  absl::StatusOr<NodePtr> Walk(const std::string& path, const std::vector<std::string>& names) {
    NodePtr node = root;
    for (const std::string& name : names) {
      if (!node->is_folder) return NotAFolder(path);
      auto entry = node->entries.find(name);
      if (entry == node->entries.end()) return NotFound(path);
      node = entry->second;
    }
    return node;
  }
};

namespace {

using Disk = MemoryFileSystem::Disk;

// What readers and writers share: a node, and whether the disk has crashed since the open.
class OpenNode {
 public:
  OpenNode(std::string path, std::shared_ptr<Disk> disk, NodePtr node)
      : path(std::move(path)),
        disk(std::move(disk)),
        node(std::move(node)),
        crashes_(this->disk->crashes) {}

  // With the lock held.
  absl::Status CheckAlive() const {
    if (disk->crashes == crashes_) return absl::OkStatus();
    return absl::UnavailableError(path + ": was open when the host crashed");
  }

  const std::string path;
  const std::shared_ptr<Disk> disk;
  const NodePtr node;

 private:
  const int crashes_;
};

class MemoryReadableFile : public ReadableFile {
 public:
  explicit MemoryReadableFile(OpenNode open) : open_(std::move(open)) {
    size_ = open_.node->content.size();
  }

  uint64_t size() const override { return size_; }

  absl::StatusOr<size_t> Read(uint64_t offset, size_t length, char* buffer) override {
    std::lock_guard<std::mutex> lock(open_.disk->mutex);
    MILLRACE_RETURN_IF_ERROR(open_.CheckAlive());
    const std::string& content = open_.node->content;
    if (offset >= content.size()) return size_t{0};
    const size_t n = std::min<uint64_t>(length, content.size() - offset);
    std::memcpy(buffer, content.data() + offset, n);
    return n;
  }

 private:
  const OpenNode open_;
  uint64_t size_;
};

class MemoryWritableFile : public WritableFile {
 public:
  explicit MemoryWritableFile(OpenNode open) : open_(std::move(open)) {}

  absl::Status Append(std::string_view data) override {
    std::lock_guard<std::mutex> lock(open_.disk->mutex);
    MILLRACE_RETURN_IF_ERROR(CheckOpen());
    const uint64_t free = open_.disk->FreeBytes();
    if (data.size() > free) return NoSpaceError(open_.path, data.size(), free);
    open_.node->content += data;
    open_.disk->Touch(open_.node.get());
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    std::lock_guard<std::mutex> lock(open_.disk->mutex);
    MILLRACE_RETURN_IF_ERROR(CheckOpen());
    open_.node->synced_content = open_.node->content;
    return absl::OkStatus();
  }

  absl::Status Close() override {
    std::lock_guard<std::mutex> lock(open_.disk->mutex);
    MILLRACE_RETURN_IF_ERROR(CheckOpen());
    closed_ = true;
    return absl::OkStatus();
  }

 private:
  absl::Status CheckOpen() const {
    if (closed_) return absl::FailedPreconditionError(open_.path + ": is already closed");
    return open_.CheckAlive();
  }

  const OpenNode open_;
  bool closed_ = false;
};

}  // namespace

MemoryFileSystem::MemoryFileSystem(uint64_t capacity_bytes)
    : disk_(std::make_shared<Disk>(capacity_bytes)) {}

MemoryFileSystem::~MemoryFileSystem() = default;

void MemoryFileSystem::Crash() {
  std::lock_guard<std::mutex> lock(disk_->mutex);
  ++disk_->crashes;
  GoBackToDisk(disk_->root.get());
}

void MemoryFileSystem::SetCapacity(uint64_t capacity_bytes) {
  std::lock_guard<std::mutex> lock(disk_->mutex);
  disk_->capacity = capacity_bytes;
}

absl::StatusOr<std::unique_ptr<ReadableFile>> MemoryFileSystem::OpenForReading(
    const std::string& path) {
  std::lock_guard<std::mutex> lock(disk_->mutex);
  MILLRACE_ASSIGN_OR_RETURN(NodePtr node, disk_->Find(path));
  if (node->is_folder) return IsAFolder(path);
  return std::make_unique<MemoryReadableFile>(OpenNode(path, disk_, std::move(node)));
}

absl::StatusOr<std::unique_ptr<WritableFile>> MemoryFileSystem::OpenForWriting(
    const std::string& path) {
  std::lock_guard<std::mutex> lock(disk_->mutex);
  MILLRACE_ASSIGN_OR_RETURN(auto place, disk_->FindParent(path));
  NodePtr& node = place.first->entries[place.second];
  if (node == nullptr) node = disk_->NewNode(/*is_folder=*/false);
  if (node->is_folder) return IsAFolder(path);
  node->content.clear();
  disk_->Touch(node.get());
  return std::make_unique<MemoryWritableFile>(OpenNode(path, disk_, node));
}

absl::StatusOr<FileInfo> MemoryFileSystem::Stat(const std::string& path) {
  std::lock_guard<std::mutex> lock(disk_->mutex);
  MILLRACE_ASSIGN_OR_RETURN(NodePtr node, disk_->Find(path));
  FileInfo info;
  info.kind = node->is_folder ? FileKind::kFolder : FileKind::kRegular;
  info.size = node->content.size();
  info.mtime_ns = node->mtime_ns;
  info.device = 1;
  info.inode = node->inode;
  return info;
}

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::List(const std::string& folder) {
  std::lock_guard<std::mutex> lock(disk_->mutex);
  MILLRACE_ASSIGN_OR_RETURN(NodePtr node, disk_->FindFolder(folder));
  std::vector<std::string> names;
  for (const auto& [name, child] : node->entries) names.push_back(name);
  return names;
}

absl::Status MemoryFileSystem::CreateFolders(const std::string& folder) {
  std::lock_guard<std::mutex> lock(disk_->mutex);
  NodePtr node = disk_->root;
  for (const std::string& name : NamesOf(folder)) {
    NodePtr& child = node->entries[name];
    if (child == nullptr) child = disk_->NewNode(/*is_folder=*/true);
    if (!child->is_folder) return NotAFolder(folder);
    node = NodePtr(child);
  }
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Rename(const std::string& from, const std::string& to) {
  std::lock_guard<std::mutex> lock(disk_->mutex);
  MILLRACE_ASSIGN_OR_RETURN(auto source, disk_->FindParent(from));
  MILLRACE_ASSIGN_OR_RETURN(auto target, disk_->FindParent(to));
  auto moved = source.first->entries.find(source.second);
  if (moved == source.first->entries.end()) return NotFound(from);
  const NodePtr node = moved->second;
  if (node->is_folder && to != from && IsInside(to, from)) {
    return absl::InvalidArgumentError(from + ": cannot rename into itself, to " + to);
  }
  auto replaced = target.first->entries.find(target.second);
  if (replaced != target.first->entries.end()) {
    if (replaced->second == node) return absl::OkStatus();
    if (replaced->second->is_folder && !node->is_folder) return IsAFolder(to);
    if (!replaced->second->is_folder && node->is_folder) return NotAFolder(to);
    if (!replaced->second->entries.empty()) return NotEmpty(to);
  }
  source.first->entries.erase(moved);
  target.first->entries[target.second] = node;
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::RemoveFile(const std::string& path) {
  std::lock_guard<std::mutex> lock(disk_->mutex);
  MILLRACE_ASSIGN_OR_RETURN(auto place, disk_->FindParent(path));
  auto entry = place.first->entries.find(place.second);
  if (entry == place.first->entries.end()) return NotFound(path);
  if (entry->second->is_folder) return IsAFolder(path);
  place.first->entries.erase(entry);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::RemoveTree(const std::string& folder) {
  std::lock_guard<std::mutex> lock(disk_->mutex);
  auto place = disk_->FindParent(folder);
  if (absl::IsNotFound(place.status())) return absl::OkStatus();
  if (!place.ok()) return place.status();
  auto entry = place->first->entries.find(place->second);
  if (entry == place->first->entries.end()) return absl::OkStatus();
  if (!entry->second->is_folder) return NotAFolder(folder);
  place->first->entries.erase(entry);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::RemoveEmptyFolder(const std::string& folder) {
  std::lock_guard<std::mutex> lock(disk_->mutex);
  MILLRACE_ASSIGN_OR_RETURN(auto place, disk_->FindParent(folder));
  auto entry = place.first->entries.find(place.second);
  if (entry == place.first->entries.end()) return NotFound(folder);
  if (!entry->second->is_folder) return NotAFolder(folder);
  if (!entry->second->entries.empty()) return NotEmpty(folder);
  place.first->entries.erase(entry);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::SyncFolder(const std::string& folder) {
  std::lock_guard<std::mutex> lock(disk_->mutex);
  MILLRACE_ASSIGN_OR_RETURN(NodePtr node, disk_->FindFolder(folder));
  node->synced_entries = node->entries;
  NodePtr above = disk_->root;
  for (const std::string& name : NamesOf(folder)) {
    const NodePtr& child = above->entries[name];
    above->synced_entries[name] = child;
    above = NodePtr(child);
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> MemoryFileSystem::FreeBytes(const std::string& path) {
  std::lock_guard<std::mutex> lock(disk_->mutex);
  MILLRACE_RETURN_IF_ERROR(disk_->Find(path).status());
  return disk_->FreeBytes();
}

absl::StatusOr<std::string> MemoryFileSystem::RealPath(const std::string& path) {
  std::lock_guard<std::mutex> lock(disk_->mutex);
  MILLRACE_RETURN_IF_ERROR(disk_->Find(path).status());
  return PathOf(NamesOf(path));
}

}  // namespace millrace
