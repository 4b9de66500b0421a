#include "master/core/skip_rules.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mapreduce/count_text.h"
#include "storage/paths.h"

namespace millrace {
namespace {

// The first failure may have said no more than about where: it was there if it was in the record.
bool Contains(const InputRecord& record, const InputRecord& place) {
  return record.file == place.file && record.offset <= place.offset &&
         place.offset - record.offset < record.bytes;
}

}  // namespace

Cause SkipRules::CauseOf(const JobRecord& job, const AttemptOutcome& outcome) {
  const bool can_skip = job.plan().skip_bad_records > 0 && outcome.task.stage == 0 &&
                        outcome.cause == Cause::kJobInvalid && outcome.record.bytes > 0;
  return can_skip ? Cause::kUserCodeFailed : outcome.cause;
}

InputRecord SkipRules::PlaceOf(const JobRecord& job, const AttemptOutcome& outcome) {
  const bool matters = job.plan().skip_bad_records > 0 && outcome.task.stage == 0 &&
                       CauseOf(job, outcome) == Cause::kUserCodeFailed;
  if (!matters) return InputRecord();
  InputRecord place = outcome.record;
  // A part has another path each time that it is made, and its records are the same.
  const JobId reads = job.plan().reads;
  if (reads.is_set() && !place.file.empty()) place.file = StepPartName(reads, outcome.task.index);
  return place;
}

void SkipRules::LookAtFailure(JobRecord* job, const TaskId& task, const InputRecord& place) {
  if (place.file.empty() || job->task(task).was_done) return;
  const Trouble& trouble = job->troubles[KeyOf(task)];
  if (IsBad(trouble, place)) {
    const std::vector<InputRecord>& all = job->summary.skipped_records;
    const bool is_new = std::find(all.begin(), all.end(), place) == all.end();
    if (is_new && all.size() >= job->plan().skip_bad_records) {
      return FailForTooMany(job, task, place);
    }
    turn_.Emit(RecordSkipped{task, place});
    return CancelAttempts(job, task);
  }
  const bool first = trouble.failed_records.size() == 1 && trouble.skipped.empty();
  if (first) CancelAttempts(job, task);  // those read in chunks
}

bool SkipRules::IsBad(const Trouble& trouble, const InputRecord& record) {
  if (record.bytes == 0) return false;
  const auto& skipped = trouble.skipped;
  if (std::find(skipped.begin(), skipped.end(), record) != skipped.end()) return false;
  return std::count_if(trouble.failed_records.begin(), trouble.failed_records.end(),
                       [&record](const InputRecord& place) { return Contains(record, place); }) > 1;
}

void SkipRules::FailForTooMany(JobRecord* job, const TaskId& task, const InputRecord& record) {
  const size_t skipped = job->summary.skipped_records.size();
  jobs_.Fail(job, absl::StrCat(job->Title(), " failed: ", TaskName(StageKind::kMap, task.index),
                               " failed again at ", record.file, ":", record.offset, " (",
                               CountText(record.bytes, "byte"), "), and ",
                               CountText(skipped, "bad record"), skipped == 1 ? " is" : " are",
                               " skipped already, the limit of --skip_bad_records=",
                               job->plan().skip_bad_records, "; last ",
                               job->troubles[KeyOf(task)].last_failure));
}

// The edit that this answers is applied: the attempt that has failed is not among them.
void SkipRules::CancelAttempts(JobRecord* job, const TaskId& task) {
  const auto running = job->attempts.find(KeyOf(task));
  if (running == job->attempts.end()) return;
  const std::vector<AttemptId> ids(running->second.begin(), running->second.end());
  for (const AttemptId& id : ids) {
    const WorkerId worker = turn_.cluster().FindAttempt(id)->worker;
    turn_.Emit(AttemptEnded{id, task, Cause::kCancelled, turn_.wall_us(),
                            "another attempt failed at a record: the next one knows which",
                            InputRecord()});
    if (turn_.cluster().FindWorker(worker)->reachable()) turn_.Do(CancelAttempt{worker, id});
  }
}

std::string SkipRules::WhyNothingElse(const JobRecord& job, const TaskId& task) {
  if (job.plan().skip_bad_records == 0) return "";
  if (task.stage > 0) return " (--skip_bad_records skips records of maps only)";
  if (job.task(task).was_done) return " (it was done before, so no record is skipped any more)";
  return " (no bad record to skip was found: no two failures were at the same one)";
}

}  // namespace millrace
