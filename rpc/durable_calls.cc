#include "rpc/durable_calls.h"

#include <glog/logging.h>

#include <utility>
#include <variant>

#include "mapreduce/status_macros.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

struct KeepClient {
  ClientId client;
  uint64_t session;
};

struct ForgetClients {
  std::vector<ClientId> clients;
};

struct ExecuteCall {
  bool once;
  CallHeader header;
  std::string request;
  CallReply reply;  // written by the runner's thread, read when the step is committed
};

}  // namespace

// Something to be done within a transaction.
struct DurableCalls::Step {
  std::variant<KeepClient, ForgetClients, ExecuteCall> what;
};

// What one transaction does, in this order.
struct DurableCalls::Batch {
  std::vector<std::shared_ptr<Step>> steps;
};

// What the runner's thread has: it may be at work when the rest is gone.
class DurableCalls::Applier {
 public:
  Applier(std::unique_ptr<CallDatabase> database, CallTransaction transaction)
      : database_(std::move(database)), transaction_(std::move(transaction)) {}

  absl::Status Apply(const Batch& batch) {
    MILLRACE_RETURN_IF_ERROR(database_->Begin());
    for (const std::shared_ptr<Step>& step : batch.steps) MILLRACE_RETURN_IF_ERROR(Apply(*step));
    return database_->Commit();
  }

 private:
  absl::Status Apply(Step& step) {
    if (const auto* keep = std::get_if<KeepClient>(&step.what)) {
      return database_->Keep(keep->client, keep->session);
    }
    if (const auto* forget = std::get_if<ForgetClients>(&step.what)) {
      for (const ClientId& client : forget->clients) {
        MILLRACE_RETURN_IF_ERROR(database_->Forget(client));
      }
      return absl::OkStatus();
    }
    ExecuteCall& call = std::get<ExecuteCall>(step.what);
    absl::StatusOr<CallReply> reply =
        call.once ? database_->ExecuteOnce(call.header, call.request, transaction_)
                  : database_->Execute(call.header, call.request, transaction_);
    MILLRACE_RETURN_IF_ERROR(reply.status());
    call.reply = *std::move(reply);
    return absl::OkStatus();
  }

  const std::unique_ptr<CallDatabase> database_;
  const CallTransaction transaction_;
};

absl::StatusOr<std::unique_ptr<DurableCalls>> DurableCalls::Open(const std::string& path,
                                                                 const std::string& schema,
                                                                 CallTransaction transaction,
                                                                 BlockingRunner& runner) {
  MILLRACE_ASSIGN_OR_RETURN(auto database, CallDatabase::Open(path, schema));
  MILLRACE_ASSIGN_OR_RETURN(auto clients, database->ReadClients());
  auto applier = std::make_shared<Applier>(std::move(database), std::move(transaction));
  return std::unique_ptr<DurableCalls>(
      new DurableCalls(std::move(applier), std::move(clients), runner));
}

DurableCalls::DurableCalls(std::shared_ptr<Applier> applier, std::vector<ClientRecord> clients,
                           BlockingRunner& runner)
    : applier_(std::move(applier)), clients_(std::move(clients)), runner_(runner) {
  auto pair = kj::newPromiseAndFulfiller<void>();
  fail_ = kj::mv(pair.fulfiller);
  failure_ = pair.promise.fork();
  committed_ = kj::Promise<void>(kj::READY_NOW).fork();
}

DurableCalls::~DurableCalls() noexcept(false) = default;

CallServer::Service DurableCalls::MakeService() {
  return [this](const CallInfo& info, std::string request) {
    return Execute(info, std::move(request));
  };
}

kj::Promise<void> DurableCalls::Keep(const ClientId& client, uint64_t session) {
  return Add(std::make_shared<Step>(Step{KeepClient{client, session}}));
}

kj::Promise<void> DurableCalls::Forget(std::vector<ClientId> clients) {
  return Add(std::make_shared<Step>(Step{ForgetClients{std::move(clients)}}));
}

kj::Promise<CallReply> DurableCalls::Execute(const CallInfo& info, std::string request) {
  auto step = std::make_shared<Step>(
      Step{ExecuteCall{info.once, info.header, std::move(request), CallReply()}});
  return Add(step).then([step]() { return std::move(std::get<ExecuteCall>(step->what).reply); });
}

kj::Promise<void> DurableCalls::Add(std::shared_ptr<Step> step) {
  if (next_ == nullptr || next_->steps.size() >= kMaxCallsAtOnce) {
    next_ = std::make_shared<Batch>();
    committed_ =
        committed_.addBranch().then([this, batch = next_]() { return Commit(batch); }).fork();
  }
  next_->steps.push_back(std::move(step));
  return committed_.addBranch();
}

kj::Promise<void> DurableCalls::Commit(const std::shared_ptr<Batch>& batch) {
  if (next_ == batch) next_ = nullptr;
  return runner_.Run([applier = applier_, batch]() { return applier->Apply(*batch); })
      .then([this](absl::Status status) -> kj::Promise<void> {
        ++commits_;
        if (status.ok()) return kj::READY_NOW;
        LOG(ERROR) << "calls cannot go on: " << status;
        // Whatever it is to the database (busy, full), to the process it is the end.
        fail_->reject(ToException(absl::InternalError(status.message())));
        return kj::NEVER_DONE;
      });
}

}  // namespace millrace
