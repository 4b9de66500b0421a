#include "client/counters_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "mapreduce/count_text.h"
#include "rpc/profile.h"
#include "rpc/system_counters.h"

namespace millrace {
namespace {

constexpr size_t kShown = 40;
constexpr size_t kNameColumns = 60;  // longer names push their value to the right

int64_t SystemCounter(const JobView& view, const char* name) {
  const auto found = view.counters.find(absl::StrCat(kSystemGroup, name));
  return found == view.counters.end() ? 0 : found->second;
}

}  // namespace

std::string RecordsLine(const JobView& view) {
  if (view.counters.count(absl::StrCat(kSystemGroup, "map_input_records")) == 0) return "";
  const bool has_reduces = view.stages.size() > 1;
  std::string text = absl::StrCat("  records   ", SystemCounter(view, "map_input_records"), " in, ",
                                  SystemCounter(view, "map_output_records"),
                                  has_reduces ? " out of maps" : " out");
  if (has_reduces) {
    absl::StrAppend(&text, ", ", SystemCounter(view, "reduce_input_records"), " into reduces, ",
                    SystemCounter(view, "reduce_output_records"), " out");
  }
  const int64_t spills = SystemCounter(view, "map_spills") + SystemCounter(view, "reduce_spills");
  if (spills > 0) absl::StrAppend(&text, "; ", CountText(static_cast<uint64_t>(spills), "spill"));
  return text + "\n";
}

std::string CountersText(const JobView& view) {
  std::vector<std::pair<std::string, int64_t>> of_user;
  size_t widest = 0;
  for (const auto& [name, value] : view.counters) {
    // The one of Millrace's own that says something about the others.
    if (absl::StartsWith(name, kSystemGroup) && name != "millrace/overflow") continue;
    if (IsOfProfile(name)) continue;  // shown as a table
    of_user.emplace_back(absl::Utf8SafeCEscape(name), value);
    if (of_user.size() <= kShown) widest = std::max(widest, of_user.back().first.size());
  }
  std::string text;
  const char* head = "  counters  ";
  for (size_t i = 0; i < std::min(of_user.size(), kShown); ++i) {
    const int columns = static_cast<int>(std::min(widest, kNameColumns));
    absl::StrAppendFormat(&text, "%s%-*s  %d\n", head, columns, of_user[i].first,
                          of_user[i].second);
    head = "            ";
  }
  if (of_user.size() > kShown) {
    absl::StrAppend(&text, head, "and ", of_user.size() - kShown, " more, in --summary_json\n");
  }
  return text;
}

}  // namespace millrace
