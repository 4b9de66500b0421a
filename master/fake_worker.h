// A worker for tests of the master: real calls over a real Cap'n Proto connection in memory, and no
// work behind them. It keeps what the master said; the test decides what happens then.
#ifndef MILLRACE_MASTER_FAKE_WORKER_H_
#define MILLRACE_MASTER_FAKE_WORKER_H_

#include <capnp/capability.h>
#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "master/master.h"
#include "rpc/connection.h"
#include "rpc/master.capnp.h"
#include "rpc/task_types.h"
#include "storage/file_system.h"

namespace millrace {

// What the master has told a worker so far.
struct WorkerMail {
  std::vector<JobContext> prepared;
  std::vector<AttemptSpec> launched;
  std::vector<AttemptId> granted;
  std::vector<AttemptId> cancelled;
  std::vector<JobId> released;
  std::vector<AttemptId> retained;
  std::vector<AttemptId> dropped;
  std::map<JobId, std::map<uint32_t, MapSource>> sources;  // newest, by map
  std::map<JobId, uint64_t> source_version;
  uint64_t news_calls = 0;  // of sources,
  uint64_t news_bytes = 0;  // and what they came to
  uint64_t largest_news_bytes = 0;
};

class FakeWorker {
 public:
  // `fs` is where its reduces stage their parts.
  FakeWorker(kj::WaitScope& wait_scope, kj::TimerImpl& timer, FileSystem& fs, std::string name,
             uint32_t slots);
  ~FakeWorker() noexcept(false);
  KJ_DISALLOW_COPY(FakeWorker);

  // Connects and registers, with the attempts that it has; a second time: over a new connection, as
  // the same process.
  void Join(Master& master);
  // Loses the connection.
  void Disconnect();

  bool Heartbeat() { return Heartbeat({}); }
  // With what running attempts say of themselves.
  bool Heartbeat(const std::map<AttemptId, std::string>& statuses);
  OutcomeReply Report(const AttemptOutcome& outcome) { return Report(session_, outcome); }
  OutcomeReply Report(const WorkerSessionId& session, const AttemptOutcome& outcome);
  // Without waiting for the verdict.
  void Send(const AttemptOutcome& outcome);
  void SourcesReady(const AttemptId& attempt, uint64_t version);
  void Drain();

  // The outcome of an attempt that went well; a reduce's part is written to its staging place.
  AttemptOutcome Success(const AttemptSpec& spec);
  static AttemptOutcome Failure(const AttemptSpec& spec, Cause cause, std::string message);

  // Runs what was launched here until nothing moves: maps succeed at once, reduces ask for a slot
  // when they know all their sources and succeed when they have it. True if it did anything.
  bool Work();
  // The same, but only with what is here now.
  bool Step();

  // What it answers to prepareJob; empty: it agrees.
  void set_objection(std::string objection) { objection_ = std::move(objection); }
  // It counts sources, and forgets them: where there are very many workers.
  void set_keeps_sources(bool keeps) { keeps_sources_ = keeps; }
  // What it tells of an attempt that is asked after; of others it keeps nothing.
  void set_log(const AttemptId& attempt, std::string text) { logs_[attempt] = std::move(text); }
  // Answers nothing at all.
  void set_frozen(bool frozen) { frozen_ = frozen; }

  const WorkerMail& mail() const { return mail_; }
  const WorkerSessionId& session() const { return session_; }
  const std::string& refusal() const { return refusal_; }
  std::string host() const { return "host-of-" + name_; }

 private:
  class Server;

  WorkerInfo Info() const;
  bool StartMaps();
  bool AskForSlots();
  bool FinishReduces();

  kj::WaitScope& wait_scope_;
  kj::TimerImpl& timer_;
  FileSystem& fs_;
  const std::string name_;
  const uint32_t slots_;
  std::string objection_;
  bool frozen_ = false;
  bool keeps_sources_ = true;
  WorkerMail mail_;
  std::map<AttemptId, std::string> logs_;
  std::map<AttemptId, AttemptSpec> waiting_;  // launched, not begun by Work
  std::map<AttemptId, AttemptSpec> asked_;    // reduces that asked for a slot

  WorkerSessionId session_;
  std::string refusal_;
  kj::Own<Connection> connection_;
  std::vector<kj::Own<Connection>> old_connections_;
  kj::Maybe<capnp_master::WorkerSession::Client> calls_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_FAKE_WORKER_H_
