#include "worker/worker_server.h"

#include <string>
#include <utility>
#include <vector>

#include "mapreduce/status_macros.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"
#include "rpc/wire_logs.h"

namespace millrace {
namespace {

struct SourceNews {
  std::vector<ShuffleAddress> addresses;
  std::vector<MapSource> sources;
};

absl::StatusOr<SourceNews> ReadNews(capnp_worker::Worker::PublishSourcesParams::Reader in) {
  SourceNews news;
  for (auto address : in.getAddresses()) {
    MILLRACE_ASSIGN_OR_RETURN(ShuffleAddress read, ReadShuffleAddress(address));
    news.addresses.push_back(std::move(read));
  }
  for (auto source : in.getSources()) {
    MILLRACE_ASSIGN_OR_RETURN(MapSource read, ReadMapSource(source));
    news.sources.push_back(read);
  }
  return news;
}

absl::StatusOr<std::vector<ListedAttempt>> ReadOutputs(
    capnp::List<capnp_worker::OutputName>::Reader in) {
  std::vector<ListedAttempt> outputs;
  for (auto output : in) {
    MILLRACE_ASSIGN_OR_RETURN(const AttemptId attempt, ReadAttemptId(output.getAttempt()));
    MILLRACE_ASSIGN_OR_RETURN(const TaskId task, ReadTaskId(output.getTask()));
    outputs.push_back({attempt, task});
  }
  return outputs;
}

}  // namespace

WorkerServer::WorkerServer(WorkerShell& shell, const CallScope& scope, kj::Promise<void> registered)
    : ScopedServer(scope), shell_(shell), registered_(registered.fork()) {}

template <typename Params, typename Act>
kj::Promise<void> WorkerServer::InSession(Params params, Act act) {
  const absl::StatusOr<WorkerSessionId> session = ReadSession(params.getSession());
  if (!session.ok()) return ToException(session.status());
  return registered_.addBranch().then(
      [this, session = *session, act = std::move(act)]() mutable -> kj::Promise<void> {
        if (!shell_.IsCurrent(session)) return kj::READY_NOW;
        return act();
      });
}

kj::Promise<void> WorkerServer::prepareJob(PrepareJobContext context) {
  return InSession(context.getParams(), [this, context]() mutable -> kj::Promise<void> {
    const absl::StatusOr<JobContext> job = ReadJobContext(context.getParams().getContext());
    if (!job.ok()) return ToException(job.status());
    return shell_.PrepareJob(*job).then(
        [context](std::string problem) mutable { context.getResults().setProblem(problem); });
  });
}

kj::Promise<void> WorkerServer::publishSources(PublishSourcesContext context) {
  return InSession(context.getParams(), [this, context]() mutable -> kj::Promise<void> {
    const auto params = context.getParams();
    const absl::StatusOr<SourceNews> news = ReadNews(params);
    if (!news.ok()) return ToException(news.status());
    shell_.PublishSources(JobId(params.getJob()), params.getVersion(), news->addresses,
                          news->sources);
    return kj::READY_NOW;
  });
}

kj::Promise<void> WorkerServer::launch(LaunchContext context) {
  return InSession(context.getParams(), [this, context]() mutable -> kj::Promise<void> {
    absl::StatusOr<AttemptSpec> spec = ReadAttemptSpec(context.getParams().getSpec());
    if (!spec.ok()) return ToException(spec.status());
    shell_.Launch(*std::move(spec));
    return kj::READY_NOW;
  });
}

kj::Promise<void> WorkerServer::grantSlot(GrantSlotContext context) {
  return InSession(context.getParams(), [this, context]() mutable -> kj::Promise<void> {
    const absl::StatusOr<AttemptId> attempt = ReadAttemptId(context.getParams().getAttempt());
    if (!attempt.ok()) return ToException(attempt.status());
    shell_.GrantSlot(*attempt);
    return kj::READY_NOW;
  });
}

kj::Promise<void> WorkerServer::cancel(CancelContext context) {
  return InSession(context.getParams(), [this, context]() mutable -> kj::Promise<void> {
    const absl::StatusOr<AttemptId> attempt = ReadAttemptId(context.getParams().getAttempt());
    if (!attempt.ok()) return ToException(attempt.status());
    shell_.Cancel(*attempt);
    return kj::READY_NOW;
  });
}

kj::Promise<void> WorkerServer::releaseJob(ReleaseJobContext context) {
  return InSession(context.getParams(), [this, context]() mutable -> kj::Promise<void> {
    shell_.ReleaseJob(JobId(context.getParams().getJob()));
    return kj::READY_NOW;
  });
}

kj::Promise<void> WorkerServer::retainOutputs(RetainOutputsContext context) {
  return InSession(context.getParams(), [this, context]() mutable -> kj::Promise<void> {
    const auto outputs = ReadOutputs(context.getParams().getOutputs());
    if (!outputs.ok()) return ToException(outputs.status());
    shell_.RetainOutputs(*outputs);
    return kj::READY_NOW;
  });
}

kj::Promise<void> WorkerServer::dropOutputs(DropOutputsContext context) {
  return InSession(context.getParams(), [this, context]() mutable -> kj::Promise<void> {
    const auto outputs = ReadOutputs(context.getParams().getOutputs());
    if (!outputs.ok()) return ToException(outputs.status());
    shell_.DropOutputs(*outputs);
    return kj::READY_NOW;
  });
}

kj::Promise<void> WorkerServer::attemptLogs(AttemptLogsContext context) {
  return InSession(context.getParams(), [this, context]() mutable -> kj::Promise<void> {
    const auto attempts = ReadLogRequest(context.getParams().getAttempts());
    if (!attempts.ok()) return ToException(attempts.status());
    const std::vector<AttemptLog> logs = shell_.LogsOf(*attempts);
    WriteAttemptLogs(logs, context.getResults().initLogs(logs.size()));
    return kj::READY_NOW;
  });
}

}  // namespace millrace
