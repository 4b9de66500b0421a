// A bank and its clients on the simulated network: calls whose fate can be told from what the bank
// has done, whatever was lost, repeated or killed on the way.
//
//   CallWorld world({.seed = 1});
//   BankClient& ann = world.AddClient("ann");
//   ann.Call(CallMode::kAtMostOnce, "deduct 10");
//   world.network().ResetConnections("ann", "bank");
//   world.RunUntil([&]() { return ann.AllEnded(); });
//
// The bank has one account and does what requests say: "deduct N", "put N", or "refuse". What
// stands behind that is for the service to ignore and tells operations apart: "deduct 10 again".
#ifndef MILLRACE_TESTS_SIM_CALLS_H_
#define MILLRACE_TESTS_SIM_CALLS_H_

#include <kj/async.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rpc/call_server.h"
#include "rpc/call_types.h"
#include "rpc/caller.h"
#include "rpc/service_host.h"
#include "tests/sim/network.h"
#include "tests/sim/random.h"
#include "tests/sim/world.h"

namespace millrace::sim {

struct CallWorldOptions {
  uint64_t seed = 1;
  // Whether effects and replies are one step on the bank's disk. If not, the bank forgets its
  // clients when it is killed; its money is real all the same.
  bool durable = false;
  kj::Duration lease = 10 * kj::MINUTES;
  kj::Duration service_time_max = 20 * kj::MILLISECONDS;
  NetworkOptions network;
};

// What outlives the bank's process.
struct BankDisk {
  int64_t balance = 100;
  std::map<std::string, int> times_entered;  // the service, by request
  std::map<std::string, int> times_done;     // with effect
  std::map<ClientId, ClientRecord> clients;  // of a durable bank
};

// One life of the bank's process.
class BankProcess final : private SessionStore, private kj::TaskSet::ErrorHandler {
 public:
  BankProcess(World& world, Network& network, BankDisk& disk, const CallWorldOptions& options);
  ~BankProcess() noexcept(false) override;
  KJ_DISALLOW_COPY(BankProcess);

  Life& life() { return life_; }

 private:
  kj::Promise<CallReply> Execute(const CallInfo& info, std::string request);
  CallReply Apply(const CallInfo& info, const std::string& request);
  kj::Promise<void> Keep(const ClientId& client, uint64_t session) override;
  kj::Promise<void> Forget(std::vector<ClientId> clients) override;
  void taskFailed(kj::Exception&& exception) override;

  Life life_;
  Random random_;
  Interface interface_;
  BankDisk& disk_;
  const CallWorldOptions options_;
  std::unique_ptr<CallServer> server_;
  std::unique_ptr<ServiceHost> host_;
  kj::Own<kj::TaskSet> tasks_;  // goes first
};

class BankClient final : private kj::TaskSet::ErrorHandler {
 public:
  struct Operation {
    CallMode mode;
    std::string request;
    std::optional<CallResult> result;  // none: it is still tried
  };

  BankClient(World& world, Network& network, const std::string& name);
  ~BankClient() noexcept(false);
  KJ_DISALLOW_COPY(BankClient);

  // The operation stays where it is.
  const Operation& Call(CallMode mode, const std::string& request);

  bool AllEnded() const { return ended_ == operations_.size(); }
  size_t unended() const { return operations_.size() - ended_; }
  const std::deque<Operation>& operations() const { return operations_; }
  const std::string& name() const { return life_.name(); }

 private:
  void taskFailed(kj::Exception&& exception) override;

  Life life_;
  Random random_;
  Interface interface_;
  ConnectionOptions connection_;
  std::deque<Operation> operations_;
  size_t ended_ = 0;
  std::unique_ptr<Caller> caller_;
  kj::Own<kj::TaskSet> tasks_;  // goes first
};

class CallWorld {
 public:
  explicit CallWorld(const CallWorldOptions& options);
  ~CallWorld() noexcept(false);
  KJ_DISALLOW_COPY(CallWorld);

  BankClient& AddClient(const std::string& name);
  void KillBank();
  void StartBank();  // unless it runs
  bool bank_runs() const { return bank_ != nullptr && bank_->life().alive(); }

  // False: it has not come to that within ten minutes.
  bool RunUntil(const std::function<bool()>& done);

  World& world() { return world_; }
  Network& network() { return network_; }
  BankProcess& bank() { return *bank_; }
  const BankDisk& disk() const { return disk_; }
  const std::deque<std::unique_ptr<BankClient>>& clients() const { return clients_; }

 private:
  const CallWorldOptions options_;
  World world_;
  Network network_;
  BankDisk disk_;
  std::unique_ptr<BankProcess> bank_;
  std::deque<std::unique_ptr<BankClient>> clients_;
};

// What is wrong with what callers were told, one line each: of a call that runs at most once, that
// it had its effect twice; of one that was said to be done, that it had none; of one that was said
// to be refused, that it had one.
std::vector<std::string> CheckCalls(const CallWorld& world);

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_CALLS_H_
