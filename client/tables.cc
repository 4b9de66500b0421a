#include "client/tables.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/quantities.h"
#include "client/text_lines.h"

namespace millrace {
namespace {

// "12/16"; empty for a job without such tasks.
std::string Done(const JobView& job, StageKind kind) {
  uint64_t done = 0;
  uint64_t total = 0;
  for (const StageProgress& stage : job.stages) {
    if (stage.kind != kind) continue;
    done += stage.done;
    total += stage.total;
  }
  return total == 0 ? "-" : absl::StrCat(done, "/", total);
}

}  // namespace

std::string AlignedTable(const std::vector<TableRow>& rows) {
  std::vector<size_t> widths(rows.front().size(), 0);
  for (const TableRow& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const TableRow& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) {
      absl::StrAppend(&text, row[i], std::string(widths[i] - row[i].size() + 2, ' '));
    }
    absl::StrAppend(&text, row.back(), "\n");
  }
  return text;
}

std::string JobsTable(const std::vector<JobView>& jobs) {
  std::vector<TableRow> rows = {{"JOB", "NAME", "STATE", "MAP", "REDUCE", "TIME", "OUTPUT"}};
  for (const JobView& job : jobs) {
    rows.push_back({ToString(job.job), job.name, Name(job.state), Done(job, StageKind::kMap),
                    Done(job, StageKind::kReduce), DurationText(job.wall_ms),
                    job.output_folder.empty() ? "(the next job)" : job.output_folder});
  }
  return AlignedTable(rows);
}

std::string AttemptsTable(const std::vector<AttemptView>& attempts) {
  std::vector<TableRow> rows = {
      {"TASK", "ATTEMPT", "WORKER", "PID", "REASON", "CAUSE", "STARTED", "TIME", "MESSAGE"}};
  for (const AttemptView& a : attempts) {
    const bool ended = a.cause != Cause::kRunning;
    rows.push_back({TaskName(a.kind, a.task.index), ToString(a.attempt), a.worker_name,
                    absl::StrCat(a.worker_pid), Name(a.reason), Name(a.cause),
                    DurationText(a.started_ms),
                    ended ? DurationText(a.ended_ms - std::min(a.started_ms, a.ended_ms)) : "-",
                    ended || a.status.empty() ? FirstLine(a.message) : a.status});
  }
  return AlignedTable(rows);
}

std::string WorkersTable(const std::vector<WorkerView>& workers) {
  std::vector<TableRow> rows = {
      {"WORKER", "NAME", "HOST", "PID", "STATE", "SLOTS", "BUSY", "ATTEMPTS", "HEARD"}};
  for (const WorkerView& w : workers) {
    // A master that was started again knows no more than the names of those it waits for.
    const bool was_here = !w.host.empty();
    rows.push_back({ToString(w.worker), w.name, was_here ? w.host : "-",
                    was_here ? absl::StrCat(w.pid) : "-", w.state, absl::StrCat(w.slots),
                    absl::StrCat(w.busy), absl::StrCat(w.attempts),
                    was_here ? absl::StrCat(DurationText(w.heartbeat_age_ms), " ago") : "-"});
  }
  return AlignedTable(rows);
}

}  // namespace millrace
