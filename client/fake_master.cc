#include "client/fake_master.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/wire.h"
#include "rpc/wire_logs.h"
#include "rpc/wire_views.h"

namespace millrace {
namespace {

kj::Own<kj::ConnectionReceiver> ListenOnLoopback(kj::AsyncIoContext& io) {
  return io.provider->getNetwork()
      .parseAddress("127.0.0.1", /*portHint=*/0)
      .wait(io.waitScope)
      ->listen();
}

}  // namespace

class FakeSubmission final : public capnp_master::Submission::Server {
 public:
  explicit FakeSubmission(FakeMaster& master) : master_(master) {
    master_.inputs.clear();
    master_.binary_bytes = 0;
    master_.side_files.clear();
  }

  kj::Promise<void> addInputs(AddInputsContext context) override {
    for (auto file : context.getParams().getFiles()) {
      master_.inputs.push_back(*ReadInputFile(file));
    }
    if (master_.connections_to_lose > 0) {
      --master_.connections_to_lose;
      return KJ_EXCEPTION(DISCONNECTED, "the connection is lost");
    }
    return kj::READY_NOW;
  }

  kj::Promise<void> needsBinary(NeedsBinaryContext context) override {
    context.getResults().setNeeded(master_.wants_binary);
    return kj::READY_NOW;
  }

  kj::Promise<void> addBinary(AddBinaryContext context) override {
    const std::string name = context.getParams().getFile();
    uint64_t& bytes = name.empty() ? master_.binary_bytes : master_.side_files[name];
    KJ_ASSERT(context.getParams().getOffset() == bytes);
    bytes += context.getParams().getData().size();
    return kj::READY_NOW;
  }

 private:
  FakeMaster& master_;
};

class FakeJobs final : public capnp_master::Jobs::Server {
 public:
  explicit FakeJobs(FakeMaster& master) : master_(master) {}

  kj::Promise<void> open(OpenContext context) override {
    auto request = Submits().openRequest();
    request.setClient(context.getParams().getClient());
    return context.tailCall(kj::mv(request));
  }

  kj::Promise<void> call(CallContext context) override {
    auto request = Submits().callRequest();
    request.setHeader(context.getParams().getHeader());
    request.setRequest(context.getParams().getRequest());
    if (master_.replies_to_lose == 0) return context.tailCall(kj::mv(request));
    return request.send().then([this, context](auto&& response) mutable -> kj::Promise<void> {
      if (!response.getOutcome().isReply()) {
        context.getResults().setOutcome(response.getOutcome());
        return kj::READY_NOW;
      }
      --master_.replies_to_lose;
      if (master_.restarts) master_.StartSessions();
      master_.is_away_ = master_.stays_away;
      return KJ_EXCEPTION(DISCONNECTED, "the reply is lost");
    });
  }

  kj::Promise<void> begin(BeginContext context) override {
    if (master_.is_silent) return kj::NEVER_DONE;
    const JobSpec spec = *ReadJobSpec(context.getParams().getSpec());
    auto result = context.getResults().initResult();
    const auto known = master_.accepted.find(spec.request_id);
    if (known != master_.accepted.end()) {
      result.setAlreadyAccepted(known->second.value());
    } else if (master_.times_busy > 0) {
      --master_.times_busy;
      result.setBusy("the master is taking in 64 other jobs");
    } else {
      result.setSubmission(kj::heap<FakeSubmission>(master_));
    }
    return kj::READY_NOW;
  }

  kj::Promise<void> watch(WatchContext context) override {
    const auto found = master_.views_.find(JobId(context.getParams().getJob()));
    if (found == master_.views_.end()) {
      context.getResults().initResult().setUnknownJob();
      return kj::READY_NOW;
    }
    if (found->second.version <= context.getParams().getKnownVersion()) {
      return master_.NextChange().then([this, context]() mutable { return watch(context); });
    }
    Write(found->second, context.getResults().initResult().initJob());
    return kj::READY_NOW;
  }

  kj::Promise<void> cancel(CancelContext context) override {
    master_.cancelled_because = context.getParams().getReason();
    context.getResults().initResult().setCancelled();
    return kj::READY_NOW;
  }

  kj::Promise<void> attempts(AttemptsContext context) override {
    ++master_.attempt_calls;
    const size_t first = context.getParams().getFirst();
    const size_t count = std::min<size_t>(1000, master_.attempts.size() - first);
    auto list = context.getResults().initResult().initAttempts(count);
    for (size_t i = 0; i < count; ++i) Write(master_.attempts[first + i], list[i]);
    return kj::READY_NOW;
  }

  kj::Promise<void> attemptLogs(AttemptLogsContext context) override {
    const WorkerId worker(context.getParams().getWorker());
    master_.asked_for_logs.push_back(worker);
    auto result = context.getResults().initResult();
    if (const auto why = master_.away.find(worker); why != master_.away.end()) {
      result.setUnavailable(why->second);
      return kj::READY_NOW;
    }
    const std::vector<AttemptId> attempts = *ReadLogRequest(context.getParams().getAttempts());
    std::vector<AttemptLog> logs;
    for (const AttemptId& attempt : attempts) {
      AttemptLog& log = logs.emplace_back();
      log.is_kept = true;
      const auto found = master_.written.find(attempt);
      if (found != master_.written.end()) log.text = found->second;
    }
    WriteAttemptLogs(logs, result.initLogs(logs.size()));
    return kj::READY_NOW;
  }

 private:
  capnp_call::CallServer::Client Submits() {
    return master_.submits_->Welcome("a client").castAs<capnp_call::CallServer>();
  }

  FakeMaster& master_;
};

FakeMaster::FakeMaster(kj::AsyncIoContext& io)
    : io_(io),
      acceptor_(io.provider->getTimer(), ListenOnLoopback(io), ConnectionOptions(), {Role::kClient},
                [this](PeerInfo, kj::Own<kj::AsyncIoStream> stream) { Welcome(kj::mv(stream)); }),
      accepting_(acceptor_.Run().eagerlyEvaluate(nullptr)) {
  StartSessions();
}

void FakeMaster::StartSessions() {
  former_submits_ = kj::mv(submits_);
  submits_ = kj::heap<CallServer>(
      io_.provider->getTimer(), CallServerOptions(),
      [this](const CallInfo&, const std::string& request) { return Submit(request); });
}

CallReply FakeMaster::Submit(const std::string& request) {
  ++submits;
  if (!refusal.empty()) return CallReply::Refused(refusal);
  if (empty_replies > 0) {
    --empty_replies;
    return CallReply::Done("");
  }
  const JobId job = accepted.emplace(request, JobId(accepted.size() + 1)).first->second;
  return CallReply::Done(absl::StrCat(job.value()));
}

std::string FakeMaster::address() { return absl::StrCat("127.0.0.1:", acceptor_.port()); }

void FakeMaster::Show(const JobView& view) {
  views_[view.job] = view;
  for (auto& watcher : watchers_) watcher->fulfill();
  watchers_.clear();
}

void FakeMaster::DropConnections() { connections_.clear(); }

void FakeMaster::Welcome(kj::Own<kj::AsyncIoStream> stream) {
  if (is_away_) return;
  connections_.push_back(kj::heap<Connection>(
      kj::mv(stream), capnp::rpc::twoparty::Side::SERVER,
      capnp::Capability::Client(capnp_master::Jobs::Client(kj::heap<FakeJobs>(*this)))));
  ++connected_;
  closed_.add(connections_.back()
                  ->OnDisconnect()
                  .then([]() {}, [](kj::Exception&&) {})
                  .then([this]() { --connected_; })
                  .eagerlyEvaluate(nullptr));
}

kj::Promise<void> FakeMaster::NextChange() {
  auto change = kj::newPromiseAndFulfiller<void>();
  watchers_.push_back(kj::mv(change.fulfiller));
  return kj::mv(change.promise);
}

}  // namespace millrace
