// The four steps around the core: make the event, decide, append to the journal, perform.
//
//   event -> MasterCore::OnEvent -> edits   -> journal, through the I/O thread
//                                -> actions -> the performer: at once, or after the sync
//
// An action that lets somebody rely on or forget something (WaitsForSync) is performed when the
// edits before it are durable; all others at once. While the journal is being written, everything
// that comes in gathers for the next write, so any number of events share one sync. What is not
// urgent waits a little for a sync that others need.
//
// The shell has no opinion about jobs and workers. Two things are its own: it owns the one timer,
// and it notices when the loop itself stood still and says so (MasterStalled) before anything else,
// so that nobody is expired for the master's own pause.
//
// A journal that fails once has failed for good: nobody knows what is on disk. The shell then takes
// no more events and performs nothing; Run() rejects, and the process ends and recovers.
//
// One loop; not thread-safe. What is queued for one write is bounded by what workers and clients
// may have outstanding.
#ifndef MILLRACE_MASTER_MASTER_SHELL_H_
#define MILLRACE_MASTER_MASTER_SHELL_H_

#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "master/core/master_core.h"
#include "master/journal.h"
#include "master/pending_answers.h"
#include "rpc/io_thread.h"

namespace millrace {

// Does what the core asks for. Never calls back into the shell before it returns: what comes of an
// action is an event of a later turn of the loop.
class ActionPerformer {
 public:
  virtual ~ActionPerformer() = default;
  virtual void Perform(const Action& action) = 0;
};

// Where events go.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void Happened(Event event) = 0;
  // Resolves when everything decided so far is durable; rejects when the journal has failed.
  // Whoever answers out of the core's state, past its actions, has to wait for this.
  virtual kj::Promise<void> Durable() = 0;
};

class MasterShell final : public EventSink, private kj::TaskSet::ErrorHandler {
 public:
  struct Options {
    // Beats of the shell's own pulse; a gap of more than `stall` between two is a stall. The stall
    // must be well below the lease, and well above what a busy loop takes for one turn.
    kj::Duration pulse = 500 * kj::MILLISECONDS;
    kj::Duration stall = 2 * kj::SECONDS;
    // The longest that an action that is not urgent waits before it gets a sync of its own: several
    // syncs of a disk, and still nothing next to the length of a task.
    kj::Duration patience = 20 * kj::MILLISECONDS;
  };

  // All must outlive the shell.
  MasterShell(MasterCore& core, Journal& journal, BlockingRunner& runner, kj::Timer& timer,
              ActionPerformer& performer, const Options& options);

  ~MasterShell() noexcept override {}
  KJ_DISALLOW_COPY(MasterShell);

  // Sends MasterStarted and keeps the pulse. Never resolves; rejects when the journal has failed.
  kj::Promise<void> Run();

  void Happened(Event event) override;

  CoreTime Now() const;
  kj::Promise<void> Durable() override;
  // Takes no more events.
  void Close() { closed_ = true; }

 private:
  using JournalCall = std::function<absl::Status(Journal&)>;

  // What one write brings to the journal, and what may be done once it is durable.
  struct Batch {
    std::vector<JournalEntry> entries;  // appended first,
    std::vector<JournalCall> rewrites;  // then these, in order
    Actions waiting;
    std::vector<kj::Own<kj::PromiseFulfiller<void>>> flushes;
    bool urgent = false;  // one of those at least

    bool wants_sync() const { return !waiting.empty() || !flushes.empty(); }
    bool empty() const { return entries.empty() && rewrites.empty() && !wants_sync(); }
  };

  void Decide(const Event& event);
  void Record(const std::vector<JobEdit>& edits);
  void Act(const Action& action);
  void FoldInJournal(JobId job);
  void RemoveFromJournal(uint64_t topic);

  void ScheduleWrite();
  void StartWriting();
  kj::Promise<void> WriteBatch();
  void OnWritten();
  kj::Promise<absl::Status> Write(Batch* batch);
  void Fail(const absl::Status& status, Batch* batch);

  void WakeAt(CoreTime time);
  void OnTimer(CoreTime armed_for);
  kj::Promise<void> Pulse();
  bool LoopStoodStill() const;

  void taskFailed(kj::Exception&& exception) override;

  MasterCore& core_;
  Journal& journal_;
  BlockingRunner& runner_;
  kj::Timer& timer_;
  ActionPerformer& performer_;
  const Options options_;
  const kj::TimePoint start_;

  std::deque<Event> events_;  // that happened while another was being decided
  bool deciding_ = false;
  kj::TimePoint last_pulse_;

  Batch open_;  // gathers while a write is under way
  bool writing_ = false;
  bool unsynced_ = false;  // something was written since the last sync
  bool patience_armed_ = false;
  absl::Status failure_;  // of the journal
  bool closed_ = false;
  PendingAnswers<int, absl::Status> failures_;  // who waits for the journal to fail

  CoreTime wake_;  // when the core wants its next Tick
  bool wake_wanted_ = false;
  CoreTime armed_;  // the earliest time for which a timer runs
  bool timer_armed_ = false;

  kj::TaskSet tasks_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_MASTER_SHELL_H_
