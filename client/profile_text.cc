#include "client/profile_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/quantities.h"
#include "rpc/profile.h"

namespace millrace {
namespace {

std::string Line(const char* head, const char* phase, uint64_t cpu_us, uint64_t all_us) {
  const double share = all_us == 0 ? 0 : 100.0 * static_cast<double>(cpu_us) / all_us;
  return absl::StrFormat("  %-8s  %-9s  %9.3f s  %5.1f %%", head, phase, cpu_us / 1e6, share);
}

}  // namespace

std::string ProfileText(const JobView& view) {
  if (!HasProfile(view.counters)) return "";
  const Profile profile = ProfileIn(view.counters);
  const uint64_t all_us = profile.cpu_us();
  std::string text;
  const char* head = "profile";
  for (int i = 0; i < kWorkPhaseCount; ++i) {
    const auto phase = static_cast<WorkPhase>(i);
    absl::StrAppend(&text, Line(head, Name(phase), profile[phase].cpu_us, all_us));
    if (phase != WorkPhase::kControl) {
      absl::StrAppend(&text, "  ", BytesText(profile[phase].bytes));
    }
    absl::StrAppend(&text, "\n");
    head = "";
  }
  absl::StrAppend(&text, Line("", "all", all_us, all_us), "\n",
                  absl::StrFormat("  %-8s  %-9s  %9.3f s  without CPU, while a slot was held\n", "",
                                  "wait", profile.wait_us / 1e6));
  return text;
}

}  // namespace millrace
