#include "master/worker_peer.h"

#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "mapreduce/status_macros.h"
#include "rpc/attempt_status.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"

namespace millrace {
namespace {

// Far more than slots and fetchers of one worker.
constexpr size_t kMaxProgressEntries = 20'000;
// Outputs that a worker may bring along; 32 bytes each on the wire.
constexpr size_t kMaxHeldAttempts = 400'000;
// Far more jobs than a master has unfinished at a time.
constexpr size_t kMaxHeldJobs = 100'000;

absl::StatusOr<std::vector<HeldAttempt>> ReadHeld(
    capnp::List<capnp_master::HeldAttempt>::Reader in) {
  if (in.size() > kMaxHeldAttempts) {
    return absl::InvalidArgumentError(
        absl::StrCat("an inventory of ", in.size(), " attempts; ", kMaxHeldAttempts, " at most"));
  }
  std::vector<HeldAttempt> held;
  held.reserve(in.size());
  for (const auto one : in) {
    HeldAttempt attempt;
    MILLRACE_ASSIGN_OR_RETURN(attempt.task, ReadTaskId(one.getTask()));
    MILLRACE_ASSIGN_OR_RETURN(attempt.attempt, ReadAttemptId(one.getAttempt()));
    attempt.holds_slot = one.getHoldsSlot();
    held.push_back(attempt);
  }
  return held;
}

absl::StatusOr<std::vector<JobId>> ReadJobs(capnp::List<uint64_t>::Reader in) {
  if (in.size() > kMaxHeldJobs) {
    return absl::InvalidArgumentError(
        absl::StrCat("a worker with ", in.size(), " jobs; ", kMaxHeldJobs, " at most"));
  }
  std::vector<JobId> jobs;
  jobs.reserve(in.size());
  for (const uint64_t job : in) jobs.push_back(JobId(job));
  return jobs;
}

absl::StatusOr<std::vector<ReportedProgress>> ReadProgress(
    capnp::List<capnp_master::AttemptProgress>::Reader in) {
  if (in.size() > kMaxProgressEntries) {
    return absl::InvalidArgumentError(
        absl::StrCat("progress of ", in.size(), " attempts; ", kMaxProgressEntries, " at most"));
  }
  std::vector<ReportedProgress> progress;
  progress.reserve(in.size());
  for (const auto one : in) {
    ReportedProgress attempt;
    MILLRACE_ASSIGN_OR_RETURN(attempt.attempt, ReadAttemptId(one.getAttempt()));
    attempt.bytes = one.getBytes();
    attempt.steps = one.getSteps();
    attempt.done = one.getDone();
    attempt.total = one.getTotal();
    attempt.status = ShownStatus(std::string_view(one.getStatus().begin(), one.getStatus().size()));
    progress.push_back(attempt);
  }
  return progress;
}

capnp_master::Verdict VerdictOf(OutcomeReply reply) {
  switch (reply) {
    case OutcomeReply::kAccepted: return capnp_master::Verdict::ACCEPTED;
    case OutcomeReply::kSuperseded: return capnp_master::Verdict::SUPERSEDED;
    case OutcomeReply::kStale: return capnp_master::Verdict::STALE;
  }
  return capnp_master::Verdict::STALE;
}

}  // namespace

// --- Once registered ---

class WorkerPeer::SessionServer final : public ScopedServer<capnp_master::WorkerSession> {
 public:
  explicit SessionServer(WorkerPeer& peer) : ScopedServer(peer.calls_), links_(peer.links_) {}

 protected:
  kj::Promise<void> heartbeat(HeartbeatContext context) override {
    const auto session = ReadSession(context.getParams().getSession());
    if (!session.ok()) return ToException(session.status());
    const auto progress = ReadProgress(context.getParams().getProgress());
    if (!progress.ok()) return ToException(progress.status());
    context.getResults().setCurrent(links_.Heartbeat(*session, *progress));
    return kj::READY_NOW;
  }

  kj::Promise<void> report(ReportContext context) override {
    const auto session = ReadSession(context.getParams().getSession());
    if (!session.ok()) return ToException(session.status());
    auto outcome = ReadAttemptOutcome(context.getParams().getOutcome());
    if (!outcome.ok()) return ToException(outcome.status());
    context.releaseParams();
    return links_.Report(*session, *std::move(outcome)).then([context](OutcomeReply reply) mutable {
      context.getResults().setVerdict(VerdictOf(reply));
    });
  }

  kj::Promise<void> sourcesReady(SourcesReadyContext context) override {
    const auto session = ReadSession(context.getParams().getSession());
    if (!session.ok()) return ToException(session.status());
    const auto attempt = ReadAttemptId(context.getParams().getAttempt());
    if (!attempt.ok()) return ToException(attempt.status());
    links_.SourcesReady(*session, *attempt, context.getParams().getVersion());
    return kj::READY_NOW;
  }

  kj::Promise<void> drain(DrainContext context) override {
    const auto session = ReadSession(context.getParams().getSession());
    if (!session.ok()) return ToException(session.status());
    links_.Drain(*session);
    return kj::READY_NOW;
  }

 private:
  WorkerLinks& links_;
};

// --- Registration ---

class WorkerPeer::RegistryServer final : public ScopedServer<capnp_master::Registry> {
 public:
  explicit RegistryServer(WorkerPeer& peer) : ScopedServer(peer.calls_), peer_(peer) {}

 protected:
  kj::Promise<void> register_(RegisterContext context) override {
    auto params = context.getParams();
    auto info = ReadWorkerInfo(params.getInfo());
    if (!info.ok()) return ToException(info.status());
    auto outputs = ReadHeld(params.getOutputs());
    if (!outputs.ok()) return ToException(outputs.status());
    auto attempts = ReadHeld(params.getAttempts());
    if (!attempts.ok()) return ToException(attempts.status());
    auto jobs = ReadJobs(params.getJobs());
    if (!jobs.ok()) return ToException(jobs.status());
    WorkerLinks::Inventory inventory{*std::move(outputs), *std::move(attempts), *std::move(jobs)};

    return CheckShuffle(info->shuffle_address)
        .then([this, context, info = *info,
               inventory = std::move(inventory)](std::string objection) mutable {
          if (!objection.empty()) return Refuse(context, info, objection);
          Accept(context, std::move(info), std::move(inventory));
        });
  }

 private:
  // Gives the objection, or nothing.
  kj::Promise<std::string> CheckShuffle(const std::string& address) {
    if (!peer_.terms_.check_shuffle) return std::string();
    return peer_.terms_.check_shuffle(address).then(
        []() { return std::string(); },
        [](kj::Exception&& e) { return std::string(ToStatus(e).message()); });
  }

  void Refuse(RegisterContext& context, const WorkerInfo& info, const std::string& objection) {
    const std::string text =
        absl::StrCat("worker ", info.name, " connected from ", peer_.address_, " and advertises ",
                     info.shuffle_address,
                     " to other workers, but the master cannot reach it there: ", objection,
                     "; start the worker with --advertise=HOST, a name that other hosts can reach");
    LOG(WARNING) << "refused: " << text;
    context.getResults().setRefused(text.c_str());
  }

  void Accept(RegisterContext& context, WorkerInfo info, WorkerLinks::Inventory inventory) {
    const WorkerSessionId session = peer_.links_.Join(
        peer_, std::move(info), context.getParams().getWorker(), std::move(inventory));
    auto accepted = context.getResults().initAccepted();
    Write(session, accepted.initSession());
    accepted.setCalls(kj::heap<SessionServer>(peer_));
    accepted.setHeartbeatMs(peer_.terms_.heartbeat_ms);
    accepted.setLeaseMs(peer_.terms_.lease_ms);
    accepted.setClusterId(peer_.terms_.cluster_id.c_str());
    accepted.setBulkAddress(peer_.bulk_address_.c_str());
  }

  WorkerPeer& peer_;
};

WorkerPeer::WorkerPeer(WorkerLinks& links, const WorkerTerms& terms, std::string address,
                       std::string bulk_address)
    : links_(links),
      terms_(terms),
      address_(std::move(address)),
      bulk_address_(std::move(bulk_address)) {}

WorkerPeer::~WorkerPeer() noexcept(false) { links_.Left(*this); }

capnp::Capability::Client WorkerPeer::Registry() {
  return capnp_master::Registry::Client(kj::heap<RegistryServer>(*this));
}

kj::Promise<std::string> WorkerPeer::Closing() {
  if (!close_reason_.empty()) return close_reason_;
  return closing_.Await(0);
}

void WorkerPeer::Close(std::string reason) {
  close_reason_ = std::move(reason);
  closing_.Answer(0, close_reason_);
}

}  // namespace millrace
