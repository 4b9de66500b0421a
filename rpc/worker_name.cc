#include "rpc/worker_name.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/strings.h"

namespace millrace {
namespace {

// Long enough for any host, and leaves room for a process id.
constexpr size_t kMaxHostBytes = 64;

bool IsInvisible(char c) { return c <= ' ' || c > '~'; }

// What is wrong; empty: nothing.
std::string Problem(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.size() > kMaxWorkerNameBytes) return absl::StrCat("it has ", name.size());
  const auto wrong = std::find_if(name.begin(), name.end(), IsInvisible);
  if (wrong == name.end()) return "";
  return absl::StrCat("\"", absl::CHexEscape(ToAbsl(name)), "\" has another at place ",
                      wrong - name.begin() + 1);
}

}  // namespace

absl::Status CheckWorkerName(std::string_view name) {
  const std::string problem = Problem(name);
  if (problem.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a worker's name has 1 to ", kMaxWorkerNameBytes,
                   " visible ASCII characters (no spaces, tabs or line ends), but ", problem));
}

std::string DefaultWorkerName(std::string_view host, int pid) {
  std::string name(host.substr(0, kMaxHostBytes));
  std::replace_if(name.begin(), name.end(), IsInvisible, '_');
  return absl::StrCat(name.empty() ? "worker" : name, "-", pid);
}

}  // namespace millrace
