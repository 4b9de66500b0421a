#include "client/master_link.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/backoff.h"
#include "rpc/deadline.h"
#include "rpc/redialer.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"
#include "rpc/wire_logs.h"
#include "rpc/wire_views.h"

namespace millrace {
namespace {

constexpr kj::Duration kCallDeadline = 10 * kj::SECONDS;
// A person looks on: try again soon, and often.
constexpr BackoffOptions kRedial = {20 * kj::MILLISECONDS, 1 * kj::SECONDS};
constexpr size_t kAttemptsPerCall = 1000;
constexpr size_t kAttemptsMax = 10'000'000;

// Reads every element of a list, or throws for the one that cannot be read.
template <typename View, typename List, typename Read>
std::vector<View> ReadAll(List list, Read read) {
  std::vector<View> views;
  views.reserve(list.size());
  for (auto reader : list) {
    absl::StatusOr<View> view = read(reader);
    if (!view.ok()) kj::throwFatalException(ToException(view.status()));
    views.push_back(*std::move(view));
  }
  return views;
}

}  // namespace

MasterLink::MasterLink(kj::Network& network, kj::Timer& timer, std::string address,
                       ConnectionOptions options)
    : network_(network),
      timer_(timer),
      address_(std::move(address)),
      options_(std::move(options)) {}

kj::Promise<kj::Own<Connection>> MasterLink::Open(kj::Duration patience) {
  return DialUntil(timer_, patience, Backoff(kRedial, DrawNumber(options_.entropy)),
                   [this]() { return Dial(network_, timer_, address_, Role::kClient, options_); });
}

kj::Promise<void> MasterLink::Connect(kj::Duration patience) {
  jobs_ = nullptr;
  connection_ = nullptr;
  return Open(patience).then([this](kj::Own<Connection> connection) {
    connection_ = kj::mv(connection);
    jobs_ = connection_->Peer().castAs<capnp_master::Jobs>();
  });
}

capnp_master::Jobs::Client& MasterLink::jobs() {
  KJ_IF_MAYBE (jobs, jobs_) {
    return *jobs;
  }
  kj::throwFatalException(KJ_EXCEPTION(DISCONNECTED, "not connected to it now"));
}

kj::Promise<std::vector<JobView>> MasterLink::Jobs() {
  return WithDeadline(timer_, kCallDeadline, absl::StrCat("listing the jobs of ", address_),
                      this->jobs().listRequest().send().then([](auto response) {
                        return ReadAll<JobView>(response.getJobs(), ReadJobView);
                      }));
}

kj::Promise<std::vector<WorkerView>> MasterLink::Workers() {
  return WithDeadline(timer_, kCallDeadline, absl::StrCat("listing the workers of ", address_),
                      jobs().workersRequest().send().then([](auto response) {
                        return ReadAll<WorkerView>(response.getWorkers(), ReadWorkerView);
                      }));
}

kj::Promise<absl::StatusOr<JobView>> MasterLink::Watch(JobId job, uint64_t known_version,
                                                       kj::Duration wait) {
  auto request = jobs().watchRequest();
  request.setJob(job.value());
  request.setKnownVersion(known_version);
  request.setWaitMs(wait / kj::MILLISECONDS);
  return WithDeadline(timer_, wait + kCallDeadline, absl::StrCat("asking ", address_, " for a job"),
                      request.send().then([this, job](auto response) -> absl::StatusOr<JobView> {
                        auto result = response.getResult();
                        if (result.isUnknownJob()) return UnknownJob(job);
                        return ReadJobView(result.getJob());
                      }));
}

kj::Promise<absl::StatusOr<std::string>> MasterLink::Cancel(JobId job, std::string reason) {
  auto request = jobs().cancelRequest();
  request.setJob(job.value());
  request.setReason(reason);
  return WithDeadline(
      timer_, kCallDeadline, absl::StrCat("cancelling a job at ", address_),
      request.send().then([this, job](auto response) -> absl::StatusOr<std::string> {
        auto result = response.getResult();
        if (result.isUnknownJob()) return UnknownJob(job);
        if (result.isAlreadyEnded()) return std::string(result.getAlreadyEnded().cStr());
        return std::string();
      }));
}

kj::Promise<absl::StatusOr<std::vector<AttemptView>>> MasterLink::Attempts(JobId job) {
  auto known = kj::heap<std::vector<AttemptView>>();
  kj::Promise<absl::Status> complete = MoreAttempts(job, *known);
  return complete.then(
      [known =
           kj::mv(known)](absl::Status status) mutable -> absl::StatusOr<std::vector<AttemptView>> {
        if (!status.ok()) return status;
        return std::move(*known);
      });
}

kj::Promise<absl::Status> MasterLink::MoreAttempts(JobId job, std::vector<AttemptView>& known) {
  auto request = jobs().attemptsRequest();
  request.setJob(job.value());
  request.setFirst(known.size());
  auto take = [this, job, &known](auto response) -> kj::Promise<absl::Status> {
    auto result = response.getResult();
    if (result.isUnknownJob()) return UnknownJob(job);
    auto list = result.getAttempts();
    for (AttemptView& view : ReadAll<AttemptView>(list, ReadAttemptView)) {
      known.push_back(std::move(view));
    }
    const bool last = list.size() < kAttemptsPerCall || known.size() >= kAttemptsMax;
    if (last) return absl::OkStatus();
    return MoreAttempts(job, known);
  };
  return WithDeadline(timer_, kCallDeadline, absl::StrCat("listing attempts at ", address_),
                      request.send())
      .then(kj::mv(take));
}

kj::Promise<WorkerLogs> MasterLink::LogsOf(WorkerId worker,
                                           const std::vector<AttemptId>& attempts) {
  auto request = jobs().attemptLogsRequest();
  request.setWorker(worker.value());
  WriteLogRequest(attempts, request.initAttempts(attempts.size()));
  return WithDeadline(timer_, kCallDeadline, absl::StrCat("asking ", address_, " for logs"),
                      request.send().then([](auto response) -> WorkerLogs {
                        auto result = response.getResult();
                        if (result.isUnavailable()) {
                          return {{}, ReadMessageText(result.getUnavailable())};
                        }
                        auto logs = ReadAttemptLogs(result.getLogs());
                        if (!logs.ok()) kj::throwFatalException(ToException(logs.status()));
                        return {*std::move(logs), ""};
                      }));
}

kj::Promise<absl::StatusOr<LineageView>> MasterLink::Lineage(TaskId task) {
  auto known = kj::heap<LineageView>();
  kj::Promise<absl::Status> complete = MoreLineage(task, *known);
  return complete.then(
      [known = kj::mv(known)](absl::Status status) mutable -> absl::StatusOr<LineageView> {
        if (!status.ok()) return status;
        return std::move(*known);
      });
}

kj::Promise<absl::Status> MasterLink::MoreLineage(TaskId task, LineageView& known) {
  auto request = jobs().lineageRequest();
  request.setJob(task.job.value());
  request.setKind(task.stage);
  request.setIndex(task.index);
  request.setFirstSource(known.read.size());
  auto take = [this, task, &known](auto response) -> kj::Promise<absl::Status> {
    auto result = response.getResult();
    if (result.isUnknownJob()) return UnknownJob(task.job);
    if (result.isUnknownTask()) return absl::NotFoundError(result.getUnknownTask().cStr());
    absl::StatusOr<LineageView> view = ReadLineageView(result.getLineage());
    if (!view.ok()) kj::throwFatalException(ToException(view.status()));
    std::vector<SourceView> read = std::move(known.read);
    const bool first = read.empty();
    const bool more = !view->read.empty();
    read.insert(read.end(), view->read.begin(), view->read.end());
    if (first) known = *std::move(view);
    known.read = std::move(read);
    if (!more || known.read.size() >= known.sources) return absl::OkStatus();
    return MoreLineage(task, known);
  };
  return WithDeadline(timer_, kCallDeadline, absl::StrCat("asking ", address_, " for a task"),
                      request.send())
      .then(kj::mv(take));
}

absl::Status MasterLink::UnknownJob(JobId job) const {
  return absl::NotFoundError(absl::StrCat("the master at ", address_, " knows no ", ToString(job),
                                          "; `millrace --master=", address_,
                                          " jobs` lists those it knows"));
}

}  // namespace millrace
