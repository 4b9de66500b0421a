#include "worker/worker_shell.h"

#include <glog/logging.h>

#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/deadline.h"
#include "rpc/pinger.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"
#include "storage/failpoint.h"
#include "storage/paths.h"
#include "worker/heartbeater.h"
#include "worker/shuffle_server.h"
#include "worker/worker_server.h"

namespace millrace {
namespace {

// A nonce is short; more means that something else lies there.
constexpr uint64_t kMaxNonceBytes = 4096;

BinaryCacheOptions CacheOptions(const WorkerShellOptions& options) {
  BinaryCacheOptions cache;
  cache.scratch_folder = options.info.scratch_folder;
  cache.host_id = options.info.host_id;
  cache.max_bytes = options.binary_cache_bytes;
  return cache;
}

kj::Exception Lost(const std::string& why) { return ToException(absl::UnavailableError(why)); }

void WriteHeld(const std::vector<ListedAttempt>& held,
               capnp::List<capnp_master::HeldAttempt>::Builder out) {
  for (size_t i = 0; i < held.size(); ++i) {
    Write(held[i].attempt, out[i].initAttempt());
    Write(held[i].task, out[i].initTask());
    out[i].setHoldsSlot(held[i].holds_slot);
  }
}

bool Holds(FileSystem& fs, const std::string& path, const std::string& nonce) {
  const absl::StatusOr<std::string> found = ReadFile(fs, path, kMaxNonceBytes);
  return found.ok() && *found == nonce;
}

// Whether this host sees the folders and the input of the job as its client does.
absl::Status CheckSeen(FileSystem& fs, const JobContext& job) {
  if (!Holds(fs, job.nonce_path, job.nonce)) {
    return absl::NotFoundError(absl::StrCat("it does not see the output folder ", job.output_folder,
                                            ": is the shared folder mounted there?"));
  }
  if (job.keeps_outputs() &&
      !Holds(fs, KeptNoncePath(KeptFolder(job.keep_folder, job.staging_key)), job.nonce)) {
    return absl::NotFoundError(absl::StrCat("it does not see the folder ", job.keep_folder,
                                            " of --keep_intermediate",
                                            ": is the shared folder mounted there?"));
  }
  if (!job.probe.has_value()) return absl::OkStatus();
  const absl::StatusOr<FileInfo> input = fs.Stat(job.probe->path);
  if (!input.ok() || input->size != job.probe->size || input->mtime_ns != job.probe->mtime_ns) {
    return absl::NotFoundError(
        absl::StrCat("it does not see the input file ", job.probe->path,
                     " as the client does: is the shared folder mounted there?"));
  }
  return absl::OkStatus();
}

}  // namespace

WorkerShell::WorkerShell(const Host& host, WorkerShellOptions options)
    : host_(host),
      options_(std::move(options)),
      binary_source_(host.network, host.timer, options_.connection),
      binaries_(host.file_system, host.io, binary_source_, CacheOptions(options_)),
      peers_(host.network, host.timer, options_.connection),
      executors_(host.executors, options_.info.slots),
      attempt_host_{host.timer,
                    host.file_system,
                    host.io,
                    executors_,
                    binaries_,
                    peers_,
                    shuffle_cpu_,
                    options_.info.scratch_folder,
                    options_.info.host_id,
                    options_.info.name},
      attempts_(attempt_host_, options_.info.slots,
                AttemptTable::Callbacks{
                    [this](const AttemptId& attempt, uint64_t version) {
                      OnSourcesReady(attempt, version);
                    },
                    [this](AttemptOutcome outcome) { reporter_.Report(std::move(outcome)); },
                    [this]() { CheckDrained(); }}),
      reporter_(host.timer, BackoffOptions(),
                [this](const AttemptOutcome& outcome, OutcomeVerdict verdict) {
                  OnVerdict(outcome, verdict);
                }),
      tasks_(*this) {
  binary_source_.SetMasterAddress(options_.master_address);
}

WorkerShell::~WorkerShell() noexcept(false) = default;

capnp::Capability::Client WorkerShell::NewShuffleServer() {
  return capnp_worker::Shuffle::Client(
      kj::heap<ShuffleServer>(host_.file_system, host_.io, options_.info.scratch_folder, calls_));
}

// --- Sessions ---

kj::Promise<void> WorkerShell::Serve(Connection& connection) {
  if (session_ != nullptr) return Lost("this worker has a session with a master already");
  auto begun = kj::newPromiseAndFulfiller<void>();
  capnp_worker::Worker::Client own = kj::heap<WorkerServer>(*this, calls_, kj::mv(begun.promise));
  return Register(connection, kj::mv(own))
      .then([this, begun = kj::mv(begun.fulfiller)](kj::Own<WorkerSession> session) mutable {
        Begin(*session);
        begun->fulfill();
        return Live(kj::mv(session));
      })
      .exclusiveJoin(Watch(connection));
}

// Rejects when the peer is gone, or no longer answers.
kj::Promise<void> WorkerShell::Watch(Connection& connection) {
  auto pinger = kj::heap<Pinger>(host_.timer, options_.connection.ping_period,
                                 options_.connection.ping_timeout, connection.peer(),
                                 [&connection]() { return connection.Ping(); });
  auto lost = connection.OnDisconnect().then([&connection]() -> kj::Promise<void> {
    return Lost(absl::StrCat("the connection to ", connection.peer(), " has ended"));
  });
  auto watch = pinger->Run().exclusiveJoin(kj::mv(lost));
  return watch.attach(kj::mv(pinger));
}

kj::Promise<kj::Own<WorkerSession>> WorkerShell::Register(Connection& connection,
                                                          capnp_worker::Worker::Client own) {
  if (absl::Status status = CheckFailpoint(Failpoint::kRegister); !status.ok()) {
    return ToException(status);
  }
  auto request = connection.Peer().castAs<capnp_master::Registry>().registerRequest();
  Write(options_.info, request.initInfo());
  request.setWorker(kj::mv(own));
  std::map<AttemptId, TaskId> held = held_outputs_;
  held.insert(retained_.all().begin(), retained_.all().end());
  std::vector<ListedAttempt> outputs;
  outputs.reserve(held.size());
  for (const auto& [attempt, task] : held) outputs.push_back({attempt, task});
  WriteHeld(outputs, request.initOutputs(outputs.size()));
  std::vector<ListedAttempt> attempts = attempts_.Attempts();
  for (const auto& [attempt, task] : reporter_.Unanswered()) attempts.push_back({attempt, task});
  WriteHeld(attempts, request.initAttempts(attempts.size()));
  const std::vector<JobId> known = jobs_.Jobs();
  auto jobs = request.initJobs(known.size());
  for (size_t i = 0; i < known.size(); ++i) jobs.set(i, known[i].value());
  kj::Promise<kj::Own<WorkerSession>> session =
      request.send().then([this](auto registration) { return Accept(registration); });
  return WithDeadline(host_.timer, options_.call_timeout,
                      absl::StrCat("registering with the master at ", connection.peer()),
                      kj::mv(session));
}

kj::Promise<kj::Own<WorkerSession>> WorkerShell::Accept(
    capnp_master::Registration::Reader registration) {
  if (registration.isRefused()) {
    return Lost(absl::StrCat("the master refuses this worker: ",
                             ReadMessageText(registration.getRefused())));
  }
  const auto accepted = registration.getAccepted();
  const absl::StatusOr<WorkerSessionId> id = ReadSession(accepted.getSession());
  if (!id.ok()) return ToException(id.status());
  const std::string cluster_id = ReadMessageText(accepted.getClusterId());
  if (!cluster_id_.empty() && cluster_id != cluster_id_) {
    // Its job-1 is not our job-1.
    ForgetEverything();
    cluster_id_.clear();
    return Lost("the master belongs to another cluster than before: joining it as a new worker");
  }
  cluster_id_ = cluster_id;
  if (accepted.hasBulkAddress() && accepted.getBulkAddress().size() > 0) {
    binary_source_.SetMasterAddress(ReadMessageText(accepted.getBulkAddress()));
  }
  WorkerSession::Terms terms;
  terms.id = *id;
  // Whatever a master says, a heartbeat is no flood and no silence.
  terms.heartbeat = kj::max(accepted.getHeartbeatMs(), 10u) * kj::MILLISECONDS;
  terms.lease = kj::max(accepted.getLeaseMs(), accepted.getHeartbeatMs()) * kj::MILLISECONDS;
  terms.call_timeout = options_.call_timeout;
  return kj::heap<WorkerSession>(host_.timer, accepted.getCalls(), terms);
}

void WorkerShell::Begin(WorkerSession& session) {
  LOG(INFO) << "registered as " << session.id().worker << " in " << session.id().epoch;
  session_ = &session;
  ++sessions_;
  reporter_.Connect([&session](const AttemptOutcome& outcome) { return session.Report(outcome); });
  jobs_.ForgetVersions();
  attempts_.ForgetVersions();
  if (draining_) Tell(session.Drain());
}

kj::Promise<void> WorkerShell::Live(kj::Own<WorkerSession> session) {
  WorkerSession* const current = session.get();
  auto heartbeater =
      kj::heap<Heartbeater>(host_.timer, current->heartbeat_period(),
                            [this, current]() { return current->Heartbeat(attempts_.Progress()); });
  auto live = heartbeater->Run().then(
      []() -> kj::Promise<void> { return Lost("the master has ended the session"); });
  auto end = kj::defer([this]() { End(); });
  return live.attach(kj::mv(heartbeater), kj::mv(end), kj::mv(session));
}

void WorkerShell::End() {
  session_ = nullptr;
  reporter_.Disconnect();
  const uint64_t ended = sessions_;
  tasks_.add(host_.timer.afterDelay(options_.orphan_timeout).then([this, ended]() {
    if (session_ != nullptr || sessions_ != ended || attempts_.idle()) return;
    LOG(WARNING) << "no master for too long: ending the attempts that still run";
    attempts_.CancelAll();
  }));
  CheckDrained();
}

bool WorkerShell::IsCurrent(const WorkerSessionId& session) {
  if (session_ != nullptr && session_->id() == session) return true;
  ++stale_messages_;
  LOG(WARNING) << "a message from another session was dropped: " << session.epoch << ", "
               << session.worker;
  return false;
}

// A call whose answer is of no use; when the connection breaks, the next session says it again.
void WorkerShell::Tell(kj::Promise<void> call) {
  tasks_.add(call.catch_([](kj::Exception&& exception) {
    LOG(WARNING) << "telling the master: " << exception.getDescription().cStr();
  }));
}

void WorkerShell::ForgetEverything() {
  std::vector<ListedAttempt> retained;
  for (const auto& [attempt, task] : retained_.all()) retained.push_back({attempt, task});
  DropOutputs(retained);
  for (const JobId job : jobs_.Jobs()) ReleaseJob(job);
  attempts_.ForgetLogs();
  options_.info.incarnation = options_.new_incarnation();
}

// --- What the master asks for ---

kj::Promise<std::string> WorkerShell::PrepareJob(const JobContext& context) {
  // A master that was killed may have given this number to a job that its journal never saw.
  const KnownJob* const known = jobs_.Find(context.job);
  if (known != nullptr && known->context.nonce != context.nonce) ReleaseJob(context.job);
  jobs_.Prepare(context);
  // Begin to fetch what the job needs; what is wrong with it, the first attempt will say.
  const auto fetch = [this, &context](const JobBinary& file) {
    tasks_.add(binaries_.Find(context.job, file).ignoreResult().catch_([](auto&&) {}));
  };
  fetch(context.binary);
  for (const JobBinary& file : context.side_files) fetch(file);
  const auto look = [&fs = host_.file_system, context]() { return CheckSeen(fs, context); };
  return host_.io.Run(look).then([](absl::Status seen) { return std::string(seen.message()); });
}

void WorkerShell::PublishSources(JobId job, uint64_t version,
                                 const std::vector<ShuffleAddress>& addresses,
                                 const std::vector<MapSource>& sources) {
  const KnownJob* const known = jobs_.Publish(job, version, addresses, sources);
  if (known != nullptr) attempts_.Publish(job, version, sources, known->addresses);
}

void WorkerShell::Launch(AttemptSpec spec) {
  const KnownJob* const job = jobs_.Find(spec.task.job);
  attempts_.Launch(std::move(spec), job);
}

void WorkerShell::Cancel(const AttemptId& attempt) {
  attempts_.Cancel(attempt);
  if (const auto held = held_outputs_.find(attempt); held != held_outputs_.end()) {
    RemoveOutput(held->second, attempt);
    held_outputs_.erase(held);
    retained_.Remove(attempt);
  }
  // It may have ended without the master having heard of it.
  if (const AttemptOutcome* const outcome = reporter_.Find(attempt); outcome != nullptr) {
    if (outcome->cause == Cause::kSucceeded) RemoveOutput(outcome->task, attempt);
    reporter_.Forget(attempt);
    CheckDrained();
  }
}

void WorkerShell::ReleaseJob(JobId job) {
  if (jobs_.Find(job) == nullptr) return;
  attempts_.CancelJob(job);
  for (const AttemptOutcome& outcome : reporter_.ForgetJob(job)) {
    const bool left = outcome.cause == Cause::kSucceeded && !retained_.Has(outcome.attempt);
    if (left) RemoveOutput(outcome.task, outcome.attempt);
  }
  executors_.EndJob(job);
  binaries_.Release(job);
  jobs_.Release(job);
  for (auto output = held_outputs_.begin(); output != held_outputs_.end();) {
    output = output->second.job == job ? held_outputs_.erase(output) : std::next(output);
  }
  Background([&fs = host_.file_system, names = retained_.FilesOf(job),
              folder = ScratchJobFolder(options_.info.scratch_folder, job)]() {
    return RemoveAllBut(fs, folder, names);
  });
  CheckDrained();
}

void WorkerShell::RetainOutputs(const std::vector<ListedAttempt>& outputs) {
  for (const ListedAttempt& output : outputs) retained_.Add(output.attempt, output.task);
}

void WorkerShell::DropOutputs(const std::vector<ListedAttempt>& outputs) {
  std::vector<std::string> files;
  std::set<std::string> folders;  // of jobs that are over: gone with the last file
  for (const ListedAttempt& output : outputs) {
    const TaskId& task = output.task;
    retained_.Remove(output.attempt);
    held_outputs_.erase(output.attempt);
    files.push_back(MapOutputPath(options_.info.scratch_folder, task, output.attempt));
    if (jobs_.Find(task.job) == nullptr) folders.insert(FolderOf(files.back()));
  }
  Background([&fs = host_.file_system, files = std::move(files), folders = std::move(folders)]() {
    for (const std::string& file : files) fs.RemoveFile(file).IgnoreError();
    for (const std::string& folder : folders) fs.RemoveEmptyFolder(folder).IgnoreError();
    return absl::OkStatus();
  });
}

std::vector<AttemptLog> WorkerShell::LogsOf(const std::vector<AttemptId>& attempts) {
  std::vector<AttemptLog> logs;
  logs.reserve(attempts.size());
  for (const AttemptId& attempt : attempts) logs.push_back(attempts_.FindLog(attempt));
  return logs;
}

// --- Attempts ---

void WorkerShell::OnSourcesReady(const AttemptId& attempt, uint64_t version) {
  if (session_ != nullptr) Tell(session_->SourcesReady(attempt, version));
}

void WorkerShell::OnVerdict(const AttemptOutcome& outcome, OutcomeVerdict verdict) {
  if (outcome.cause != Cause::kSucceeded) {
    // It left nothing.
  } else if (verdict != OutcomeVerdict::kAccepted) {
    RemoveOutput(outcome.task, outcome.attempt);
  } else if (IsMapOutput(outcome.task)) {
    held_outputs_[outcome.attempt] = outcome.task;
  }
  CheckDrained();
}

// Map outputs of jobs with parts stay here; parts belong to the job.
bool WorkerShell::IsMapOutput(const TaskId& task) const {
  const KnownJob* const job = jobs_.Find(task.job);
  return job != nullptr && task.stage == 0 && job->context.reducers > 0;
}

void WorkerShell::RemoveOutput(const TaskId& task, const AttemptId& attempt) {
  const KnownJob* const job = jobs_.Find(task.job);
  if (job == nullptr) return;
  AttemptSpec spec;
  spec.attempt = attempt;
  spec.task = task;
  spec.kind = task.stage == 0 ? StageKind::kMap : StageKind::kReduce;
  const AttemptFiles files = FilesOf(spec, job->context, options_.info.scratch_folder);
  Background([&fs = host_.file_system, files]() {
    files.RemoveAll(fs);
    return absl::OkStatus();
  });
}

void WorkerShell::Background(std::function<absl::Status()> work) {
  tasks_.add(host_.io.Run(std::move(work)).then([](absl::Status status) {
    if (!status.ok()) LOG(WARNING) << "cleaning up: " << status.message();
  }));
}

// --- Leaving ---

kj::Promise<void> WorkerShell::Drain() {
  draining_ = true;
  if (session_ != nullptr) Tell(session_->Drain());
  auto drained = kj::newPromiseAndFulfiller<void>();
  drained_ = kj::mv(drained.fulfiller);
  CheckDrained();
  return kj::mv(drained.promise);
}

void WorkerShell::CheckDrained() {
  if (!draining_ || !attempts_.idle()) return;
  if (session_ != nullptr && !reporter_.idle()) return;
  KJ_IF_MAYBE (drained, drained_) (*drained)->fulfill();
}

void WorkerShell::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "in the worker's background: " << exception.getDescription().cStr();
}

}  // namespace millrace
