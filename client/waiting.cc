#include "client/waiting.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "client/quantities.h"
#include "client/recovery_text.h"
#include "client/text_lines.h"
#include "mapreduce/count_text.h"

namespace millrace {
namespace {

std::string NameOf(const AttemptView& attempt) {
  return TaskName(attempt.kind, attempt.task.index);
}

// "12 s ago", from when the answer was made.
std::string Ago(const JobView& job, const RecoveryEntry& entry) {
  const int64_t now_ms = job.submitted_unix_ms + static_cast<int64_t>(job.wall_ms);
  const int64_t ago_ms = std::max<int64_t>(0, now_ms - entry.wall_us / 1000);
  return absl::StrCat(DurationText(static_cast<uint64_t>(ago_ms)), " ago");
}

// The longest that the master gives a worker none of a job after an attempt that it could not run.
constexpr uint64_t kPauseMaxMs = 30'000;

bool IsPresent(const WorkerView& worker) {
  return worker.state == "alive" || worker.state == "draining";
}

bool TakesWork(const WorkerView& worker) { return worker.state == "alive"; }

bool HasFreeSlot(const WorkerView& worker) {
  return TakesWork(worker) && worker.busy < worker.slots;
}

Waiting ForWorkers(const JobView& job) {
  Waiting waiting;
  waiting.kind = "waiting_for_workers";
  waiting.line = absl::StrCat("waiting for workers: ", job.workers_joined, " joined");
  if (job.workers_lost > 0) {
    absl::StrAppend(&waiting.line, ", ", job.workers_lost, " of them lost");
  }
  if (job.workers_joined > job.workers_lost) {
    absl::StrAppend(&waiting.line, ", and none can be reached now");
  }
  for (auto entry = job.recovery.rbegin(); entry != job.recovery.rend(); ++entry) {
    if (entry->what != LossKind::kWorkerLost) continue;
    absl::StrAppend(&waiting.line, "; ", LossText(*entry), " ", Ago(job, *entry));
    break;
  }
  waiting.next = "start workers that dial this master, or look at their logs";
  return waiting;
}

// The newest loss that cost outputs, and so made maps run again.
const RecoveryEntry* WhyOutputsAreMadeAgain(const JobView& job) {
  for (auto entry = job.recovery.rbegin(); entry != job.recovery.rend(); ++entry) {
    if (entry->outputs_lost > 0) return &*entry;
  }
  return nullptr;
}

// A reduce attempt runs while maps run again: it waits for them, or soon may.
Waiting ForOutputs(const JobView& job, const AttemptView& reduce,
                   const std::vector<const AttemptView*>& maps) {
  Waiting waiting;
  waiting.kind = "waiting_for_outputs";
  waiting.line = absl::StrCat(NameOf(reduce), " fetches; its source ", NameOf(*maps.front()),
                              " is being made again on ", maps.front()->worker_name);
  if (maps.size() > 1) absl::StrAppend(&waiting.line, " (and ", maps.size() - 1, " more)");
  if (const RecoveryEntry* why = WhyOutputsAreMadeAgain(job)) {
    absl::StrAppend(&waiting.line, " because ", LossText(*why), " ", Ago(job, *why));
  }
  return waiting;
}

// No attempt runs, and the last one ended because its worker could not run it.
Waiting ForAPause(const AttemptView& last, bool slot_is_free) {
  const bool for_good = last.cause == Cause::kWorkerUnfit;
  Waiting waiting;
  waiting.kind = "paused";
  waiting.line = absl::StrCat(
      "paused: worker ", last.worker_name, for_good ? " can never" : " could not", " run ",
      NameOf(last), " (", FirstLine(last.message), "), and gets none of this job",
      for_good ? "" : " for a while", slot_is_free ? "" : "; all slots are busy");
  waiting.next = "do what the message says on that worker's host, or start workers elsewhere";
  return waiting;
}

// Slots are free, and no worker in reach of all map outputs has one.
Waiting ForReach(const JobView& job, const RecoveryEntry& cut) {
  return {"waiting_for_reach",
          absl::StrCat("waiting for a worker that reaches every map output: ", LossText(cut), " ",
                       Ago(job, cut)),
          "mend the network between them; after a minute they try again"};
}

Waiting ForProgress(const JobView& job, const std::vector<const AttemptView*>& running) {
  Waiting waiting;
  waiting.kind = "running";
  waiting.line = absl::StrCat("running ", CountText(running.size(), "attempt"));
  const AttemptView* oldest = nullptr;
  for (const AttemptView* attempt : running) {
    if (oldest == nullptr || attempt->started_ms < oldest->started_ms) oldest = attempt;
  }
  if (oldest != nullptr) {
    const uint64_t age_ms = job.wall_ms - std::min(job.wall_ms, oldest->started_ms);
    absl::StrAppend(&waiting.line, "; the oldest is ", NameOf(*oldest), " on ", oldest->worker_name,
                    ", for ", DurationText(age_ms));
  }
  return waiting;
}

const AttemptView* LastEnded(const std::vector<AttemptView>& attempts) {
  const AttemptView* last = nullptr;
  for (const AttemptView& attempt : attempts) {
    if (attempt.cause == Cause::kRunning) continue;
    if (last == nullptr || attempt.ended_ms >= last->ended_ms) last = &attempt;
  }
  return last;
}

// Whether it is for `last`, the attempt that ended last, that none runs. With a slot free it is:
// the worker of that slot cannot run the job. Otherwise it may be while the pause lasts, and never
// for an unfit worker, which would not get the job with a slot free either.
bool IsPaused(const JobView& job, const AttemptView& last, bool slot_is_free) {
  if (last.cause != Cause::kWorkerFailed && last.cause != Cause::kWorkerUnfit) return false;
  if (slot_is_free) return true;
  const uint64_t ago_ms = job.wall_ms - std::min(job.wall_ms, last.ended_ms);
  return last.cause == Cause::kWorkerFailed && ago_ms <= kPauseMaxMs;
}

// Workers are there, and no attempt runs.
Waiting ForASlot(const JobView& job, const std::vector<AttemptView>& attempts,
                 const std::vector<WorkerView>& workers) {
  if (std::none_of(workers.begin(), workers.end(), TakesWork)) {
    return {"waiting_for_workers", "waiting for workers: those that are here drain",
            "start workers that dial this master"};
  }
  const bool slot_is_free = std::any_of(workers.begin(), workers.end(), HasFreeSlot);
  const AttemptView* const last = LastEnded(attempts);
  if (last != nullptr && IsPaused(job, *last, slot_is_free)) return ForAPause(*last, slot_is_free);
  const bool cut = last != nullptr && last->cause == Cause::kFetchFailed && !job.recovery.empty() &&
                   job.recovery.back().what == LossKind::kPeerUnreachable;
  if (slot_is_free && cut) return ForReach(job, job.recovery.back());
  if (slot_is_free) return {"waiting", "no attempt runs just now, and slots are free", "ask again"};
  return {
      "waiting",
      absl::StrCat("waiting for ", job.waiting_on.empty() ? "slots: all are busy" : job.waiting_on),
      ""};
}

}  // namespace

Waiting WaitingOf(const JobView& job, const std::vector<AttemptView>& attempts,
                  const std::vector<WorkerView>& workers) {
  if (job.state == JobState::kPublishing) {
    return {"publishing", absl::StrCat("its output is being put in place in ", job.output_folder),
            ""};
  }
  if (std::none_of(workers.begin(), workers.end(), IsPresent)) return ForWorkers(job);
  std::vector<const AttemptView*> running;
  std::vector<const AttemptView*> made_again;
  const AttemptView* reduce = nullptr;
  for (const AttemptView& attempt : attempts) {
    if (attempt.cause != Cause::kRunning) continue;
    running.push_back(&attempt);
    if (attempt.kind == StageKind::kReduce && reduce == nullptr) reduce = &attempt;
    const bool again = attempt.kind == StageKind::kMap && attempt.reason == Reason::kOutputLost;
    if (again) made_again.push_back(&attempt);
  }
  if (reduce != nullptr && !made_again.empty()) return ForOutputs(job, *reduce, made_again);
  if (!running.empty()) return ForProgress(job, running);
  return ForASlot(job, attempts, workers);
}

}  // namespace millrace
