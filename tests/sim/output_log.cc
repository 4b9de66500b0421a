#include "tests/sim/output_log.h"

#include <string_view>

namespace millrace::sim {
namespace {

bool IsFinalName(std::string_view name) {
  return name.substr(0, 5) == "part-" || name == "_SUCCESS";
}

struct Place {
  std::string folder;
  std::string name;
};

Place PlaceOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return {path.substr(0, slash), path.substr(slash + 1)};
}

bool IsStaging(const std::string& folder) { return folder.find("/_millrace") != std::string::npos; }

}  // namespace

void OutputLog::OnRenamed(const std::string& process, const std::string& to) {
  const Place place = PlaceOf(to);
  if (!IsFinalName(place.name) || IsStaging(place.folder)) return;
  if (!publishes_(place.folder)) {
    Complain(process, to, "was put in place before the journal said that the job publishes");
  }
  if (place.name == "_SUCCESS") {
    published_.insert(place.folder);
  } else if (published_.count(place.folder) > 0 && may_overwrite_.count(place.folder) == 0) {
    Complain(process, to, "was replaced after the job was published");
  }
}

void OutputLog::OnRemoved(const std::string& process, const std::string& path) {
  const Place place = PlaceOf(path);
  if (!IsFinalName(place.name) || IsStaging(place.folder)) return;
  if (published_.count(place.folder) == 0) return;
  if (may_overwrite_.count(place.folder) > 0) {
    published_.erase(place.folder);
  } else if (shared_disk_.Stat(path).ok()) {
    Complain(process, path, "was removed after the job was published");
  }
}

void OutputLog::OnOpenedForWriting(const std::string& process, const std::string& path) {
  const Place place = PlaceOf(path);
  if (IsStaging(place.folder) || !IsFinalName(place.name)) return;
  Complain(process, path, "is written under its final name");
}

void OutputLog::Complain(const std::string& process, const std::string& path,
                         const std::string& what) {
  complaints_.push_back(path + " " + what + ", by " + process);
}

}  // namespace millrace::sim
