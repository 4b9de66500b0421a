#include "worker/worker_session.h"

#include "absl/strings/str_cat.h"
#include "rpc/deadline.h"
#include "rpc/wire.h"

namespace millrace {
namespace {

OutcomeVerdict FromWire(capnp_master::Verdict verdict) {
  switch (verdict) {
    case capnp_master::Verdict::ACCEPTED: return OutcomeVerdict::kAccepted;
    case capnp_master::Verdict::SUPERSEDED: return OutcomeVerdict::kSuperseded;
    default: return OutcomeVerdict::kStale;
  }
}

}  // namespace

WorkerSession::WorkerSession(kj::Timer& timer, capnp_master::WorkerSession::Client calls,
                             const Terms& terms)
    : timer_(timer), calls_(kj::mv(calls)), terms_(terms) {}

kj::Promise<bool> WorkerSession::Heartbeat(
    const std::vector<std::pair<AttemptId, AttemptProgress>>& progress) {
  auto request = calls_.heartbeatRequest();
  Write(terms_.id, request.initSession());
  auto out = request.initProgress(progress.size());
  for (size_t i = 0; i < progress.size(); ++i) {
    Write(progress[i].first, out[i].initAttempt());
    out[i].setBytes(progress[i].second.bytes);
    out[i].setSteps(progress[i].second.steps);
    out[i].setDone(progress[i].second.done);
    out[i].setTotal(progress[i].second.total);
    if (!progress[i].second.status.empty()) out[i].setStatus(progress[i].second.status);
  }
  kj::Promise<bool> current =
      request.send().then([](auto response) -> bool { return response.getCurrent(); });
  return WithDeadline(timer_, terms_.lease, "a heartbeat to the master", kj::mv(current));
}

kj::Promise<OutcomeVerdict> WorkerSession::Report(const AttemptOutcome& outcome) {
  auto request = calls_.reportRequest();
  Write(terms_.id, request.initSession());
  Write(outcome, request.initOutcome());
  kj::Promise<OutcomeVerdict> verdict =
      request.send().then([](auto response) { return FromWire(response.getVerdict()); });
  return WithDeadline(timer_, terms_.call_timeout,
                      absl::StrCat("reporting ", ToString(outcome.attempt), " to the master"),
                      kj::mv(verdict));
}

kj::Promise<void> WorkerSession::SourcesReady(const AttemptId& attempt, uint64_t version) {
  auto request = calls_.sourcesReadyRequest();
  Write(terms_.id, request.initSession());
  Write(attempt, request.initAttempt());
  request.setVersion(version);
  return WithDeadline(timer_, terms_.call_timeout,
                      absl::StrCat("asking the master for a slot for ", ToString(attempt)),
                      request.send().ignoreResult());
}

kj::Promise<void> WorkerSession::Drain() {
  auto request = calls_.drainRequest();
  Write(terms_.id, request.initSession());
  return WithDeadline(timer_, terms_.call_timeout, "telling the master that this worker drains",
                      request.send().ignoreResult());
}

}  // namespace millrace
