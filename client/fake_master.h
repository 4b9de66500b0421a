// A master that a test scripts: it listens on a real port of the test's own event loop and answers
// clients with what the test has put in. It runs no job.
#ifndef MILLRACE_CLIENT_FAKE_MASTER_H_
#define MILLRACE_CLIENT_FAKE_MASTER_H_

#include <kj/async-io.h>
#include <kj/vector.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rpc/acceptor.h"
#include "rpc/call_server.h"
#include "rpc/connection.h"
#include "rpc/job_views.h"
#include "rpc/master.capnp.h"
#include "rpc/task_types.h"

namespace millrace {

class FakeMaster {
 public:
  explicit FakeMaster(kj::AsyncIoContext& io);
  KJ_DISALLOW_COPY(FakeMaster);

  // Where it listens.
  std::string address();

  // What watchers see from now on; a new version wakes them.
  void Show(const JobView& view);

  // Connections whose clients have not closed them.
  size_t connected() const { return connected_; }

  // Cuts every connection off; new ones are let in.
  void DropConnections();

  // --- What clients did, and how they are answered ---

  std::map<std::string, JobId> accepted;       // by request id
  std::vector<InputFile> inputs;               // of the last submission
  uint64_t binary_bytes = 0;                   // of the last submission
  std::map<std::string, uint64_t> side_files;  // its lengths, by name
  std::string refusal;                         // not empty: jobs are refused with it
  int submits = 0;                             // calls that were executed
  int connections_to_lose = 0;                 // with as many calls that bring input files
  int times_busy = 0;                          // so often a submission is put off
  bool wants_binary = false;
  int replies_to_lose = 0;  // of calls that were executed
  bool restarts = false;    // with each reply that is lost: sessions are forgotten, jobs are not
  bool stays_away = false;  // after a reply that is lost: new connections break at once
  bool is_silent = false;   // about submissions
  int empty_replies = 0;    // of as many calls, whose submission is gone
  std::vector<AttemptView> attempts;
  int attempt_calls = 0;
  std::map<AttemptId, std::string> written;  // by attempts, to standard error
  std::map<WorkerId, std::string> away;      // workers that cannot be asked, and why
  std::vector<WorkerId> asked_for_logs;
  std::string cancelled_because;

 private:
  friend class FakeJobs;
  friend class FakeSubmission;

  void Welcome(kj::Own<kj::AsyncIoStream> stream);
  void StartSessions();
  CallReply Submit(const std::string& request);
  kj::Promise<void> NextChange();

  kj::AsyncIoContext& io_;
  std::map<JobId, JobView> views_;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> watchers_;
  kj::Own<CallServer> submits_;
  kj::Own<CallServer> former_submits_;  // whose call is just being replied to
  size_t connected_ = 0;
  bool is_away_ = false;
  std::vector<kj::Own<Connection>> connections_;
  kj::Vector<kj::Promise<void>> closed_;
  Acceptor acceptor_;
  kj::Promise<void> accepting_;
};

}  // namespace millrace

#endif  // MILLRACE_CLIENT_FAKE_MASTER_H_
