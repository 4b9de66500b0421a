#include "master/master_shell.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "glog/logging.h"
#include "mapreduce/status_macros.h"
#include "master/core/edits.h"
#include "rpc/status_exception.h"
#include "storage/failpoint.h"

namespace millrace {
namespace {

// Appends before rewrites: a rewrite replaces what was appended about the same topic before it.
absl::Status WriteAndSync(Journal& journal, const std::vector<JournalEntry>& entries,
                          const std::vector<std::function<absl::Status(Journal&)>>& rewrites,
                          bool sync) {
  if (!entries.empty()) {
    MILLRACE_RETURN_IF_ERROR(CheckFailpoint(Failpoint::kJournalBeforeAppend));
    MILLRACE_RETURN_IF_ERROR(journal.Append(entries).status());
  }
  for (const auto& rewrite : rewrites) {
    MILLRACE_RETURN_IF_ERROR(CheckFailpoint(Failpoint::kJournalBeforeFold));
    MILLRACE_RETURN_IF_ERROR(rewrite(journal));
  }
  if (!sync) return absl::OkStatus();
  MILLRACE_RETURN_IF_ERROR(CheckFailpoint(Failpoint::kJournalBeforeSync));
  MILLRACE_RETURN_IF_ERROR(journal.Sync());
  PassFailpoint(Failpoint::kJournalAfterSync);
  return absl::OkStatus();
}

kj::Exception Unwritten(const absl::Status& status) {
  return ToException(
      absl::UnavailableError("the journal failed: " + std::string(status.message())));
}

}  // namespace

MasterShell::MasterShell(MasterCore& core, Journal& journal, BlockingRunner& runner,
                         kj::Timer& timer, ActionPerformer& performer, const Options& options)
    : core_(core),
      journal_(journal),
      runner_(runner),
      timer_(timer),
      performer_(performer),
      options_(options),
      start_(timer.now()),
      last_pulse_(timer.now()),
      tasks_(*this) {}

CoreTime MasterShell::Now() const {
  return CoreTime::FromMicros((timer_.now() - start_) / kj::MICROSECONDS);
}

kj::Promise<void> MasterShell::Run() {
  Happened(MasterStarted{});
  kj::Promise<void> failed = failures_.Await(0).then(
      [](absl::Status status) { kj::throwFatalException(ToException(status)); });
  return Pulse().exclusiveJoin(kj::mv(failed));
}

kj::Promise<void> MasterShell::Durable() {
  if (!failure_.ok()) return Unwritten(failure_);
  if (open_.empty() && !writing_ && !unsynced_) return kj::READY_NOW;
  auto flush = kj::newPromiseAndFulfiller<void>();
  open_.flushes.push_back(kj::mv(flush.fulfiller));
  open_.urgent = true;
  ScheduleWrite();
  return kj::mv(flush.promise);
}

// --- Event and decision ---

void MasterShell::Happened(Event event) {
  if (closed_ || !failure_.ok()) return;
  if (LoopStoodStill()) {
    last_pulse_ = timer_.now();
    events_.push_back(MasterStalled{});
  }
  events_.push_back(std::move(event));
  if (deciding_) return;
  deciding_ = true;
  while (!events_.empty()) {
    const Event next = std::move(events_.front());
    events_.pop_front();
    Decide(next);
  }
  deciding_ = false;
}

void MasterShell::Decide(const Event& event) {
  const Decision decision = core_.OnEvent(Now(), event);
  Record(decision.edits);
  for (const Action& action : decision.actions) {
    if (WaitsForSync(action)) {
      open_.waiting.push_back(action);
      open_.urgent = open_.urgent || IsUrgent(action);
    } else {
      Act(action);
    }
  }
  ScheduleWrite();
}

void MasterShell::Act(const Action& action) {
  if (const auto* wake = std::get_if<::millrace::WakeAt>(&action)) return WakeAt(wake->time);
  if (const auto* fold = std::get_if<FoldJob>(&action)) FoldInJournal(fold->job);
  if (const auto* forget = std::get_if<ForgetJob>(&action)) {
    RemoveFromJournal(TopicOf(forget->job));
  }
  if (const auto* forget = std::get_if<ForgetRegistration>(&action)) {
    RemoveFromJournal(TopicOf(forget->worker));
  }
  performer_.Perform(action);
}

// --- Journal ---

void MasterShell::Record(const std::vector<JobEdit>& edits) {
  for (const JobEdit& edit : edits) {
    JournalEntry entry;
    entry.topic = TopicOf(edit);
    EncodeTo(edit, &entry.bytes);
    open_.entries.push_back(std::move(entry));
  }
}

void MasterShell::FoldInJournal(JobId job) {
  std::string folded;
  EncodeTo(JobEdit(core_.Folded(job)), &folded);
  open_.rewrites.push_back([topic = TopicOf(job), folded = std::move(folded)](Journal& journal) {
    return journal.Replace(topic, folded);
  });
}

void MasterShell::RemoveFromJournal(uint64_t topic) {
  open_.rewrites.push_back([topic](Journal& journal) { return journal.Remove(topic); });
}

void MasterShell::ScheduleWrite() {
  if (writing_ || open_.empty()) return;
  if (!open_.wants_sync() || open_.urgent) return StartWriting();
  if (patience_armed_) return;
  patience_armed_ = true;
  tasks_.add(timer_.afterDelay(options_.patience).then([this]() {
    patience_armed_ = false;
    if (!writing_ && !open_.empty()) StartWriting();
  }));
}

void MasterShell::StartWriting() {
  writing_ = true;
  // When the loop would go to sleep: all that has arrived by then shares the sync.
  tasks_.add(kj::evalLast([this]() { return WriteBatch(); }));
}

kj::Promise<void> MasterShell::WriteBatch() {
  auto batch = std::make_shared<Batch>(std::exchange(open_, Batch()));
  return Write(batch.get())
      .then([this, batch](absl::Status status) {
        if (!status.ok()) return Fail(status, batch.get());
        unsynced_ = !batch->wants_sync();
        for (auto& flush : batch->flushes) flush->fulfill();
        for (const Action& action : batch->waiting) Act(action);
      })
      .then([this]() { OnWritten(); });
}

void MasterShell::OnWritten() {
  writing_ = false;
  ScheduleWrite();
}

kj::Promise<absl::Status> MasterShell::Write(Batch* batch) {
  auto entries = std::make_shared<std::vector<JournalEntry>>(std::move(batch->entries));
  auto rewrites = std::make_shared<std::vector<JournalCall>>(std::move(batch->rewrites));
  const bool sync = batch->wants_sync();
  return runner_.Run([this, entries, rewrites, sync]() {
    return WriteAndSync(journal_, *entries, *rewrites, sync);
  });
}

void MasterShell::Fail(const absl::Status& status, Batch* batch) {
  LOG(ERROR) << "the journal failed; this master stops: " << status.message();
  failure_ = status;
  events_.clear();
  for (auto& flush : batch->flushes) flush->reject(Unwritten(status));
  for (auto& flush : open_.flushes) flush->reject(Unwritten(status));
  open_ = Batch();
  failures_.Answer(0, status);
}

// --- Time ---

// Timers are cheap but not free, and the core moves its next wake-up with nearly every event: a
// timer is armed only when it must ring earlier than the one that runs, and one that rings too
// early is armed again.
void MasterShell::WakeAt(CoreTime time) {
  wake_ = time;
  wake_wanted_ = true;
  if (timer_armed_ && armed_ <= time) return;
  armed_ = time;
  timer_armed_ = true;
  tasks_.add(timer_.atTime(start_ + time.micros() * kj::MICROSECONDS).then([this, time]() {
    OnTimer(time);
  }));
}

void MasterShell::OnTimer(CoreTime armed_for) {
  if (armed_for != armed_ || !timer_armed_) return;  // an earlier one has replaced it
  timer_armed_ = false;
  if (!wake_wanted_) return;
  if (Now() < wake_) return WakeAt(wake_);
  wake_wanted_ = false;
  Happened(Tick{});
}

kj::Promise<void> MasterShell::Pulse() {
  return timer_.afterDelay(options_.pulse).then([this]() {
    if (LoopStoodStill()) Happened(Tick{});  // puts the stall before it
    last_pulse_ = timer_.now();
    return Pulse();
  });
}

bool MasterShell::LoopStoodStill() const { return timer_.now() - last_pulse_ > options_.stall; }

// Every expected failure was dealt with in its own step.
void MasterShell::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "bug in the master's shell: " << kj::str(exception).cStr();
}

}  // namespace millrace
