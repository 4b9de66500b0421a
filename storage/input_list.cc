#include "storage/input_list.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/glob.h"
#include "storage/paths.h"

namespace millrace {
namespace {

constexpr char kAnyFolders[] = "**";

std::vector<std::string> ComponentsOf(std::string_view path) {
  std::vector<std::string> components;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const size_t end = std::min(path.find('/'), path.size());
    std::string component(path.substr(0, end));
    path.remove_prefix(end);
    const bool repeats = component == kAnyFolders && !components.empty() &&
                         components.back() == kAnyFolders;  // "**/**" is "**"
    if (!component.empty() && !repeats) components.push_back(std::move(component));
  }
  return components;
}

// Collects the files of one pattern.
class PatternExpander {
 public:
  PatternExpander(FileSystem& fs, InputList* list) : fs_(fs), list_(list) {}

  // Takes a path as it is.
  absl::Status AddPath(const std::string& path) {
    MILLRACE_ASSIGN_OR_RETURN(FileInfo info, fs_.Stat(path));
    if (info.kind != FileKind::kFolder) return AddFile(path, info);
    list_->folders.push_back(path);
    return AddFolder(path, info);
  }

  // Takes what matches `pattern`, whose components are looked for from `folder` down.
  absl::Status AddMatches(const std::string& folder, const std::string& pattern) {
    components_ = ComponentsOf(AbsolutePath("/", pattern));
    return Match(folder, 0);
  }

 private:
  // Keeps the folders on the way down, to recognise a loop.
  class Visit {
   public:
    Visit(PatternExpander* expander, const FileInfo& folder) : trail_(expander->trail_) {
      trail_.emplace_back(folder.device, folder.inode);
    }
    ~Visit() { trail_.pop_back(); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    std::vector<std::pair<uint64_t, uint64_t>>& trail_;
  };

  absl::Status AddFile(const std::string& path, const FileInfo& info) {
    if (info.kind == FileKind::kOther) {
      return absl::InvalidArgumentError(
          path + ": is a FIFO, socket or device; only regular files can be read as input");
    }
    if (list_->files.size() >= kMaxInputFiles) {
      return absl::ResourceExhaustedError(
          absl::StrCat(path, ": more than ", kMaxInputFiles, " input files; pack them together"));
    }
    MILLRACE_RETURN_IF_ERROR(fs_.OpenForReading(path).status());
    list_->files.push_back(InputFile{path, info.size, info.mtime_ns});
    return absl::OkStatus();
  }

  // All files below a folder.
  absl::Status AddFolder(const std::string& folder, const FileInfo& info) {
    MILLRACE_RETURN_IF_ERROR(CheckTrail(folder, info));
    Visit visit(this, info);
    MILLRACE_ASSIGN_OR_RETURN(std::vector<std::string> names, fs_.List(folder));
    for (const std::string& name : names) {
      if (IsHiddenName(name)) continue;
      const std::string path = JoinPath(folder, name);
      MILLRACE_ASSIGN_OR_RETURN(FileInfo child, fs_.Stat(path));
      MILLRACE_RETURN_IF_ERROR(child.kind == FileKind::kFolder ? AddFolder(path, child)
                                                               : AddFile(path, child));
    }
    return absl::OkStatus();
  }

  absl::Status CheckTrail(const std::string& folder, const FileInfo& info) {
    const auto identity = std::make_pair(info.device, info.inode);
    if (std::find(trail_.begin(), trail_.end(), identity) != trail_.end()) {
      return absl::FailedPreconditionError(
          folder + ": is a link to a folder that holds it (a loop); remove the link");
    }
    if (trail_.size() >= kMaxInputFolderDepth) {
      return absl::FailedPreconditionError(
          absl::StrCat(folder, ": more than ", kMaxInputFolderDepth, " folders deep"));
    }
    return absl::OkStatus();
  }

  // Takes what matches components_[first..] below `folder`.
  absl::Status Match(const std::string& folder, size_t first) {
    const std::string& component = components_[first];
    if (component == kAnyFolders) return MatchAnyFolders(folder, first);
    if (!HasWildcard(component)) return MatchNext(JoinPath(folder, component), first);
    MILLRACE_ASSIGN_OR_RETURN(std::vector<std::string> names, ListIfFolder(folder));
    for (const std::string& name : names) {
      if (!MatchesName(name, component)) continue;
      MILLRACE_RETURN_IF_ERROR(MatchNext(JoinPath(folder, name), first));
    }
    return absl::OkStatus();
  }

  // `path` matches components_[..first]; goes on with the next, if there is one.
  absl::Status MatchNext(const std::string& path, size_t first) {
    if (first + 1 < components_.size()) return Match(path, first + 1);
    absl::StatusOr<FileInfo> info = fs_.Stat(path);
    const bool no_match = IsNoMatch(info.status()) && !HasWildcard(components_[first]);
    return no_match ? absl::OkStatus() : AddPath(path);
  }

  // components_[first] is "**": no folder, or one and perhaps more.
  absl::Status MatchAnyFolders(const std::string& folder, size_t first) {
    absl::StatusOr<FileInfo> info = fs_.Stat(folder);
    if (IsNoMatch(info.status())) return absl::OkStatus();
    if (!info.ok()) return info.status();
    if (info->kind != FileKind::kFolder) return absl::OkStatus();
    if (trail_.empty()) list_->folders.push_back(folder);
    if (first + 1 == components_.size()) return AddFolder(folder, *info);

    MILLRACE_RETURN_IF_ERROR(CheckTrail(folder, *info));
    Visit visit(this, *info);
    MILLRACE_RETURN_IF_ERROR(Match(folder, first + 1));
    MILLRACE_ASSIGN_OR_RETURN(std::vector<std::string> names, fs_.List(folder));
    for (const std::string& name : names) {
      if (IsHiddenName(name)) continue;
      MILLRACE_RETURN_IF_ERROR(MatchAnyFolders(JoinPath(folder, name), first));
    }
    return absl::OkStatus();
  }

  // A path that is not there is no error for a pattern: it does not match.
  static bool IsNoMatch(const absl::Status& status) {
    return absl::IsNotFound(status) || absl::IsFailedPrecondition(status);
  }

  absl::StatusOr<std::vector<std::string>> ListIfFolder(const std::string& path) {
    absl::StatusOr<std::vector<std::string>> names = fs_.List(path);
    if (IsNoMatch(names.status())) return std::vector<std::string>();
    return names;
  }

  FileSystem& fs_;
  InputList* const list_;
  std::vector<std::string> components_;               // of the pattern
  std::vector<std::pair<uint64_t, uint64_t>> trail_;  // device and inode of the folders above
};

// Sorts by whole paths: "a.txt" comes before "a/b", although "a" comes before "a.txt".
void SortFrom(size_t first, InputList* list) {
  std::sort(list->files.begin() + first, list->files.end(),
            [](const InputFile& a, const InputFile& b) { return a.path < b.path; });
}

absl::Status AddPath(FileSystem& fs, const std::string& path, InputList* list) {
  const size_t first = list->files.size();
  MILLRACE_RETURN_IF_ERROR(PatternExpander(fs, list).AddPath(path));
  SortFrom(first, list);
  return absl::OkStatus();
}

absl::Status AddMatches(FileSystem& fs, const std::string& pattern, const std::string& base,
                        InputList* list) {
  const size_t first = list->files.size();
  const std::string folder = pattern[0] == '/' ? "/" : AbsolutePath("/", base);
  MILLRACE_RETURN_IF_ERROR(PatternExpander(fs, list).AddMatches(folder, pattern));
  SortFrom(first, list);
  return absl::OkStatus();
}

// Takes the paths in a file, one a line.
absl::Status AddListed(FileSystem& fs, const std::string& list_path, const std::string& base,
                       InputList* list) {
  MILLRACE_ASSIGN_OR_RETURN(std::string text, ReadFile(fs, list_path, kMaxInputListBytes));
  MILLRACE_ASSIGN_OR_RETURN(const FileInfo info, fs.Stat(list_path));
  list->lists.push_back(InputFile{list_path, info.size, info.mtime_ns});
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    MILLRACE_RETURN_IF_ERROR(AddPath(fs, AbsolutePath(base, line), list));
  }
  return absl::OkStatus();
}

absl::Status AddPattern(FileSystem& fs, const std::string& pattern, const std::string& base,
                        InputList* list) {
  if (pattern.empty()) return absl::InvalidArgumentError("is empty; give a file or a folder");
  if (pattern[0] == '@') return AddListed(fs, AbsolutePath(base, pattern.substr(1)), base, list);
  if (HasWildcard(pattern)) return AddMatches(fs, pattern, base, list);
  return AddPath(fs, AbsolutePath(base, pattern), list);
}

void KeepFirstOfEach(InputList* list) {
  std::unordered_set<std::string> seen;
  seen.reserve(list->files.size());
  auto end = std::remove_if(list->files.begin(), list->files.end(), [&](const InputFile& file) {
    const bool again = !seen.insert(file.path).second;
    if (again) list->repeated.push_back(file.path);
    return again;
  });
  list->files.erase(end, list->files.end());
}

}  // namespace

absl::StatusOr<InputList> ExpandInputs(FileSystem& fs, const std::vector<std::string>& patterns,
                                       const std::string& base) {
  if (patterns.empty()) return absl::InvalidArgumentError("no input; give a file or a folder");
  InputList list;
  for (const std::string& pattern : patterns) {
    const size_t before = list.files.size();
    absl::Status status = AddPattern(fs, pattern, base, &list);
    if (status.ok() && list.files.size() == before) {
      status =
          absl::NotFoundError(HasWildcard(pattern) && pattern[0] != '@'
                                  ? "no file matches; quote patterns if the shell changes them"
                                  : "holds no file (names that start with _ or . are skipped)");
    }
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("input \"", pattern, "\": ", status.message()));
    }
  }
  KeepFirstOfEach(&list);
  return list;
}

}  // namespace millrace
