// A service whose calls have their effect exactly once, also when its process is killed: effects
// and replies are one transaction of one database (rpc/call_database.h), and a server that starts
// again goes on with the sessions of its clients.
//
//   MILLRACE_ASSIGN_OR_RETURN(auto calls, DurableCalls::Open(path, kSchema, Transact, io_thread));
//   CallServer server(timer, options, calls->MakeService(), *calls, calls->TakeClients());
//   process.Run(calls->Failure());
//
// Calls that arrive while a transaction is on its way to the disk share the next one. A plain call
// is executed in the same way, and nothing is kept of it.
//
// When the database fails nobody is told anything any more, since nobody knows what is on the disk;
// Failure() rejects, and the process should end and start again.
//
// Lives on one event loop; must outlive the CallServer. The runner must outlive it, and be nobody
// else's.
#ifndef MILLRACE_RPC_DURABLE_CALLS_H_
#define MILLRACE_RPC_DURABLE_CALLS_H_

#include <kj/async.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/call_database.h"
#include "rpc/call_server.h"
#include "rpc/call_types.h"
#include "rpc/io_thread.h"

namespace millrace {

class DurableCalls final : public SessionStore {
 public:
  // Of one transaction; more wait for the next.
  static constexpr size_t kMaxCallsAtOnce = 256;

  // Blocks: for the start of a process. `transaction` runs on the runner's thread.
  static absl::StatusOr<std::unique_ptr<DurableCalls>> Open(const std::string& path,
                                                            const std::string& schema,
                                                            CallTransaction transaction,
                                                            BlockingRunner& runner);
  ~DurableCalls() noexcept(false) override;
  KJ_DISALLOW_COPY(DurableCalls);

  // What was kept when this was opened. Once.
  std::vector<ClientRecord> TakeClients() { return std::move(clients_); }

  CallServer::Service MakeService();

  // Rejects with FAILED when the database has failed.
  kj::Promise<void> Failure() { return failure_.addBranch(); }

  kj::Promise<void> Keep(const ClientId& client, uint64_t session) override;
  kj::Promise<void> Forget(std::vector<ClientId> clients) override;

  // Transactions so far.
  uint64_t commits() const { return commits_; }

 private:
  struct Step;
  struct Batch;
  class Applier;

  DurableCalls(std::shared_ptr<Applier> applier, std::vector<ClientRecord> clients,
               BlockingRunner& runner);

  kj::Promise<CallReply> Execute(const CallInfo& info, std::string request);
  // Resolves when the step has been committed.
  kj::Promise<void> Add(std::shared_ptr<Step> step);
  kj::Promise<void> Commit(const std::shared_ptr<Batch>& batch);

  const std::shared_ptr<Applier> applier_;  // of the runner's thread
  std::vector<ClientRecord> clients_;
  BlockingRunner& runner_;
  uint64_t commits_ = 0;
  kj::Own<kj::PromiseFulfiller<void>> fail_;
  kj::ForkedPromise<void> failure_ = nullptr;
  std::shared_ptr<Batch> next_;                  // null: nothing waits for its turn
  kj::ForkedPromise<void> committed_ = nullptr;  // `next_`, and all before it
};

}  // namespace millrace

#endif  // MILLRACE_RPC_DURABLE_CALLS_H_
