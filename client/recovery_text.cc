#include "client/recovery_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "client/quantities.h"
#include "mapreduce/count_text.h"

namespace millrace {
namespace {

std::string CostText(const RecoveryEntry& entry) {
  const std::string attempts = CountText(entry.attempts_lost, "attempt");
  if (entry.outputs_lost == 0) return absl::StrCat(attempts, " lost");
  const std::string outputs = CountText(entry.outputs_lost, "map output");
  return entry.attempts_lost == 0 ? absl::StrCat(outputs, " lost")
                                  : absl::StrCat(attempts, " and ", outputs, " lost");
}

}  // namespace

std::string LossText(const RecoveryEntry& entry) {
  switch (entry.what) {
    case LossKind::kWorkerLost: return absl::StrCat("worker ", entry.subject, " was lost");
    case LossKind::kOutputLost: return absl::StrCat("the output of ", entry.subject, " was lost");
    case LossKind::kAttemptTimedOut: return absl::StrCat(entry.subject, " made no progress");
    case LossKind::kWorkerFailed:
      return absl::StrCat("worker ", entry.subject, " could not run an attempt");
    case LossKind::kMissingOnReturn:
      return absl::StrCat("worker ", entry.subject, " came back without some of what it had");
    case LossKind::kPeerUnreachable: return absl::StrCat("worker ", entry.subject);
  }
  return entry.subject;
}

std::string RecoveryLine(const JobView& job, const RecoveryEntry& entry) {
  const int64_t after_ms = entry.wall_us / 1000 - job.submitted_unix_ms;
  const std::string noticed = absl::StrReplaceAll(Name(entry.noticed_by), {{"_", " "}});
  return absl::StrCat(LossText(entry), " after ",
                      DurationText(static_cast<uint64_t>(std::max<int64_t>(0, after_ms))), " (",
                      noticed, "): ", CostText(entry), "; ",
                      DurationText(entry.cpu_us_again / 1000), " of CPU and ",
                      BytesText(entry.bytes_again), " done again");
}

std::string RecoveryText(const JobView& job) {
  if (job.recovery.empty()) return "";
  const uint64_t losses = job.recovery.size() + job.recovery_dropped;
  std::string text = absl::StrCat("  recovery  ", CountText(losses, "time"));
  if (job.recovery_dropped > 0) {
    absl::StrAppend(&text, ", the newest ", job.recovery.size(), " of which are");
  }
  absl::StrAppend(&text, "\n");
  for (const RecoveryEntry& entry : job.recovery) {
    absl::StrAppend(&text, "    ", RecoveryLine(job, entry), "\n");
  }
  return text;
}

}  // namespace millrace
