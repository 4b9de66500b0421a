#include "tests/sim/calls.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "rpc/acceptor.h"
#include "rpc/connection.h"

namespace millrace::sim {
namespace {

constexpr char kBankAddress[] = "bank:7100";

kj::Own<kj::TaskSet> NewTaskSet(kj::TaskSet::ErrorHandler& handler) {
  return kj::heap<kj::TaskSet>(handler);
}

Entropy EntropyOf(Random& random) {
  return [&random](uint8_t* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(random.Next());
  };
}

bool RunsOnce(CallMode mode) {
  return mode == CallMode::kAtMostOnce || mode == CallMode::kExactlyOnce;
}

}  // namespace

// --- The bank ---

BankProcess::BankProcess(World& world, Network& network, BankDisk& disk,
                         const CallWorldOptions& options)
    : life_(world, "bank", 1.0),
      random_(world.random().Fork()),
      interface_(network, life_, "bank"),
      disk_(disk),
      options_(options),
      tasks_(NewTaskSet(*this)) {
  world.Note("bank", "started");
  CallServerOptions server;
  server.lease = options.lease;
  server.entropy = EntropyOf(random_);
  CallServer::Service service = [this](const CallInfo& info, std::string request) {
    return Execute(info, std::move(request));
  };
  if (options.durable) {
    SessionStore& store = *this;
    std::vector<ClientRecord> kept;
    for (const auto& [id, record] : disk_.clients) kept.push_back(record);
    server_ = std::make_unique<CallServer>(life_.timer(), server, kj::mv(service), store, kept);
  } else {
    server_ = std::make_unique<CallServer>(life_.timer(), server, kj::mv(service));
  }
  tasks_->add(
      interface_.parseAddress(kBankAddress, 0).then([this](kj::Own<kj::NetworkAddress> address) {
        ConnectionOptions connection;
        connection.entropy = EntropyOf(random_);
        host_ = std::make_unique<ServiceHost>(
            life_.timer(), address->listen(), connection,
            [this](const PeerInfo& peer) { return server_->Welcome(peer.address); });
        return host_->Run();
      }));
}

BankProcess::~BankProcess() noexcept(false) {
  life_.Kill();
  tasks_ = nullptr;
}

kj::Promise<CallReply> BankProcess::Execute(const CallInfo& info, std::string request) {
  ++disk_.times_entered[request];
  const auto max_us = static_cast<uint64_t>(options_.service_time_max / kj::MICROSECONDS);
  const kj::Duration time = static_cast<int64_t>(random_.Below(max_us + 1)) * kj::MICROSECONDS;
  return life_.timer().afterDelay(time).then(
      [this, info, request = std::move(request)]() { return Apply(info, request); });
}

// The effect and, on a durable bank, what is remembered of the call: one step, or none.
CallReply BankProcess::Apply(const CallInfo& info, const std::string& request) {
  const bool refused = request.rfind("refuse", 0) == 0;
  if (!refused) {
    const size_t space = request.find(' ');
    const int64_t amount = std::stoll(request.substr(space + 1));
    ++disk_.times_done[request];
    disk_.balance = request.rfind("put", 0) == 0 ? amount : disk_.balance - amount;
    life_.world().Note("bank", request);
  }
  CallReply reply = refused ? CallReply::Refused(request)
                            : CallReply::Done(absl::StrCat(request, ": ", disk_.balance));
  if (options_.durable && info.once) {
    ClientRecord& record = disk_.clients.at(info.header.client);
    record.seen_up_to = std::max(record.seen_up_to, info.header.seen_up_to);
    auto seen = std::remove_if(record.replies.begin(), record.replies.end(),
                               [&](const auto& r) { return r.sequence <= record.seen_up_to; });
    record.replies.erase(seen, record.replies.end());
    record.replies.push_back({info.header.sequence, reply});
  }
  return reply;
}

kj::Promise<void> BankProcess::Keep(const ClientId& client, uint64_t session) {
  return life_.timer().afterDelay(1 * kj::MILLISECONDS).then([this, client, session]() {
    ClientRecord& record = disk_.clients[client];
    if (record.session != session) record = {client, session, 0, {}};
  });
}

kj::Promise<void> BankProcess::Forget(std::vector<ClientId> clients) {
  return life_.timer().afterDelay(1 * kj::MILLISECONDS).then([this, clients]() {
    for (const ClientId& client : clients) disk_.clients.erase(client);
  });
}

void BankProcess::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "the bank: " << kj::str(exception).cStr();
}

// --- A client ---

BankClient::BankClient(World& world, Network& network, const std::string& name)
    : life_(world, name, 1.0),
      random_(world.random().Fork()),
      interface_(network, life_, name),
      tasks_(NewTaskSet(*this)) {
  connection_.entropy = EntropyOf(random_);
  CallerOptions options;
  options.entropy = EntropyOf(random_);
  caller_ = std::make_unique<Caller>(
      life_.timer(), "the bank",
      [this]() {
        return Dial(interface_, life_.timer(), kBankAddress, Role::kClient, connection_);
      },
      options);
}

BankClient::~BankClient() noexcept(false) {
  life_.Kill();
  tasks_ = nullptr;
}

const BankClient::Operation& BankClient::Call(CallMode mode, const std::string& request) {
  operations_.push_back({mode, request, std::nullopt});
  Operation& operation = operations_.back();
  tasks_->add(caller_->Call(mode, request).then([this, &operation](CallResult result) {
    life_.world().Note(name(), absl::StrCat(operation.request, " ends as ",
                                            static_cast<int>(result.end), " ", result.bytes));
    operation.result = std::move(result);
    ++ended_;
  }));
  return operation;
}

void BankClient::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "a client: " << kj::str(exception).cStr();
}

// --- Both ---

CallWorld::CallWorld(const CallWorldOptions& options)
    : options_(options),
      world_(options.seed, /*print_trace=*/false),
      network_(world_, options.network) {
  StartBank();
}

CallWorld::~CallWorld() noexcept(false) = default;

BankClient& CallWorld::AddClient(const std::string& name) {
  clients_.push_back(std::make_unique<BankClient>(world_, network_, name));
  return *clients_.back();
}

void CallWorld::KillBank() {
  if (bank_ != nullptr) bank_->life().Kill();
}

void CallWorld::StartBank() {
  if (bank_runs()) return;
  bank_ = nullptr;
  bank_ = std::make_unique<BankProcess>(world_, network_, disk_, options_);
}

bool CallWorld::RunUntil(const std::function<bool()>& done) {
  return world_.RunUntil(done, 10 * kj::MINUTES);
}

std::vector<std::string> CheckCalls(const CallWorld& world) {
  std::vector<std::string> wrong;
  for (const auto& client : world.clients()) {
    for (const BankClient::Operation& operation : client->operations()) {
      const auto found = world.disk().times_done.find(operation.request);
      const int times = found == world.disk().times_done.end() ? 0 : found->second;
      const auto complain = [&](const std::string& what) {
        wrong.push_back(absl::StrCat(client->name(), ": '", operation.request, "' ", what,
                                     ", and had its effect ", times, " times"));
      };
      if (RunsOnce(operation.mode) && times > 1) complain("runs at most once");
      if (!operation.result.has_value()) continue;
      if (operation.result->end == CallEnd::kDone && times == 0) complain("was done");
      if (operation.result->end == CallEnd::kRefused && times != 0) complain("was refused");
    }
  }
  return wrong;
}

}  // namespace millrace::sim
