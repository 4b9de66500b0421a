#include "client/summary.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/counters_text.h"
#include "client/failure_cause.h"
#include "client/profile_text.h"
#include "client/quantities.h"
#include "client/skew_text.h"
#include "client/text_lines.h"
#include "mapreduce/count_text.h"
#include "storage/paths.h"

namespace millrace {
namespace {

uint64_t Tasks(const JobView& view, StageKind kind) {
  uint64_t tasks = 0;
  for (const StageProgress& stage : view.stages) {
    if (stage.kind == kind) tasks += stage.total;
  }
  return tasks;
}

// "21 (20 succeeded, 1 worker_lost)".
std::string AttemptsText(const JobView& view) {
  uint64_t total = 0;
  for (const uint64_t count : view.attempts_by_reason) total += count;
  std::vector<std::string> ended;
  for (int i = static_cast<int>(Cause::kSucceeded); i < kCauseCount; ++i) {
    const uint64_t count = view.attempts_by_cause[i];
    if (count > 0) ended.push_back(absl::StrCat(count, " ", Name(static_cast<Cause>(i))));
  }
  return ended.empty() ? absl::StrCat(total)
                       : absl::StrCat(total, " (", absl::StrJoin(ended, ", "), ")");
}

std::string TasksText(const JobView& view) {
  const uint64_t reduces = Tasks(view, StageKind::kReduce);
  const std::string maps = absl::StrCat(Tasks(view, StageKind::kMap), " map");
  return reduces == 0 ? maps : absl::StrCat(maps, ", ", reduces, " reduce");
}

// Maps that did not run, if there are any.
std::string ReusedLine(const JobView& view) {
  if (view.map_outputs_reused == 0) return "";
  return absl::StrCat("  reused    ", CountText(view.map_outputs_reused, "map output"),
                      " of earlier jobs\n");
}

std::string WorkersText(const JobView& view) {
  const std::string joined = absl::StrCat(view.workers_joined, " joined");
  return view.workers_lost == 0 ? joined : absl::StrCat(joined, ", ", view.workers_lost, " lost");
}

std::string BytesLine(const JobView& view) {
  return absl::StrCat(BytesText(view.input_bytes), " in, ", BytesText(view.shuffled_bytes),
                      " shuffled, ", BytesText(view.output_bytes), " out");
}

// Only a job that succeeds writes the list.
std::string SkippedText(const JobView& view) {
  std::string text = absl::StrCat(CountText(view.skipped_records.size(), "record"), " skipped");
  if (view.state == JobState::kSucceeded) {
    absl::StrAppend(&text, ", listed in ", SkippedPath(view.output_folder));
  }
  return text;
}

std::string Escaped(const std::string& text) {
  return absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\t", "\\t"}, {"\n", "\\n"}});
}

}  // namespace

std::string SummaryText(const JobView& view) {
  std::string text =
      absl::StrCat(ToString(view.job), " (", view.name, ") ", Name(view.state), " in ",
                   DurationText(view.wall_ms), "\n  bytes     ", BytesLine(view), "\n",
                   RecordsLine(view), "  tasks     ", TasksText(view), "\n", ReusedLine(view),
                   "  attempts  ", AttemptsText(view), "\n  workers   ", WorkersText(view), "\n");
  absl::StrAppend(&text, CountersText(view), SkewText(view), ProfileText(view));
  if (!view.skipped_records.empty())
    absl::StrAppend(&text, "  warning   ", SkippedText(view), "\n");
  if (view.state == JobState::kSucceeded && !view.output_folder.empty()) {
    absl::StrAppend(&text, "  output    ", view.output_folder, "\n");
  }
  return text;
}

std::string FailureText(const JobView& view, const std::vector<AttemptView>& attempts) {
  const Failure failure = FailureOf(view, attempts);
  const std::string first = FirstLine(view.error);
  // The master's own words name the job.
  std::string text = absl::StartsWith(first, "job ")
                         ? first + "\n"
                         : absl::StrCat(ToString(view.job), " failed: ", first, "\n");
  std::string details = Details(view.error);
  if (details.empty() && failure.attempt != nullptr) details = Details(failure.attempt->message);
  const char* const next = failure.cause.known()
                               ? failure.cause.next
                               : "`millrace attempts` lists how every attempt ended";
  return absl::StrCat(text, Indented(details, 2), "Next: ", next, ".\n");
}

std::string JobLogText(const std::vector<AttemptView>& attempts) {
  std::string text =
      "task\tattempt\tworker\tpid\treason\tcause\tstarted_s\tseconds\tinput_bytes\t"
      "output_bytes\tmessage\n";
  for (const AttemptView& a : attempts) {
    const uint64_t took_ms = a.ended_ms > a.started_ms ? a.ended_ms - a.started_ms : 0;
    absl::StrAppendFormat(&text, "%s\t%s\t%s\t%d\t%s\t%s\t%.3f\t%.3f\t%d\t%d\t%s\n",
                          TaskName(a.kind, a.task.index), ToString(a.attempt),
                          Escaped(a.worker_name), a.worker_pid, Name(a.reason), Name(a.cause),
                          a.started_ms / 1000.0, took_ms / 1000.0, a.stats.input_bytes,
                          a.stats.output_bytes, Escaped(a.message));
  }
  return text;
}

}  // namespace millrace
