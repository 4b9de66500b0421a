#include "master/master.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "mapreduce/count_text.h"
#include "mapreduce/status_macros.h"
#include "rpc/backoff.h"
#include "rpc/redialer.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"
#include "storage/output_committer.h"

namespace millrace {
namespace {

CoreOptions MakeCoreOptions(const Master::Options& options) {
  CoreOptions core;
  core.epoch = options.epoch;
  core.started_wall_us = options.started_wall_us;
  core.lease = options.lease;
  core.source_messages_per_second = options.source_messages_per_second;
  core.reuse_bytes_max = options.reuse_bytes;
  return core;
}

// A stall must be noticed before it costs anybody a lease.
MasterShell::Options MakeShellOptions(const Master::Options& options) {
  const auto lease = absl::ToInt64Milliseconds(options.lease) * kj::MILLISECONDS;
  MasterShell::Options shell;
  shell.pulse = std::min<kj::Duration>(shell.pulse, lease / 20);
  shell.stall = std::min<kj::Duration>(shell.stall, lease / 4);
  return shell;
}

// Ten heartbeats in a lease, but no more than one a second: nine may be lost or late.
WorkerTerms MakeTerms(const Master::Options& options) {
  WorkerTerms terms;
  terms.cluster_id = options.cluster_id;
  terms.lease_ms = static_cast<uint32_t>(absl::ToInt64Milliseconds(options.lease));
  terms.heartbeat_ms = std::clamp<uint32_t>(terms.lease_ms / 10, 10, 1000);
  terms.check_shuffle = options.check_shuffle;
  return terms;
}

}  // namespace

// Which part of the master does what the core asks for.
class Master::Performer {
 public:
  explicit Performer(Master& master) : master_(master) {}

  void operator()(const LaunchAttempt& action) { master_.links_.Launch(action); }
  void operator()(const GrantSlot& action) { master_.links_.Grant(action); }
  void operator()(const CancelAttempt& action) { master_.links_.Cancel(action); }
  void operator()(const PublishSources& action) { master_.links_.Publish(action); }
  void operator()(const ReleaseJob& action) { master_.links_.Release(action); }
  void operator()(const RetainOutputs& action) { master_.links_.Retain(action); }
  void operator()(const DropOutputs& action) { master_.links_.DropOutputs(action); }
  void operator()(const AnswerOutcome& action) { master_.links_.Answer(action); }
  void operator()(const ForgetWorker& action) { master_.links_.Forget(action); }
  void operator()(const PublishJob& action) { master_.Publish(action.job); }
  void operator()(const AbortOutput& action) { master_.Abort(action.job); }
  void operator()(const AnswerSubmit& action) { master_.admission_.Answer(action); }
  void operator()(const AnswerCancel& action) { master_.service_.Answer(action); }
  void operator()(const JobChanged& action) { master_.service_.Changed(action); }
  void operator()(const FoldJob& action) {
    master_.links_.ReleaseEverywhere(action.job);  // who ran some of it has been told before
    master_.DropJob(action.job);
  }
  void operator()(const ForgetJob& action) { master_.DropJob(action.job); }
  void operator()(const ForgetRegistration&) {}  // all in the journal
  void operator()(const WakeAt&) {}              // the shell's own

 private:
  Master& master_;
};

Master::Master(const Environment& environment, const Options& options)
    : timer_(environment.timer),
      fs_(environment.fs),
      journal_(environment.journal),
      options_(options),
      terms_(MakeTerms(options)),
      core_(MakeCoreOptions(options)),
      shell_(core_, journal_, environment.runner, timer_, *this, MakeShellOptions(options)),
      links_(options.epoch, timer_, core_, jobs_, shell_, options.link),
      publisher_(environment.fs, environment.runner, shell_),
      binaries_(environment.fs, environment.runner, options.binaries_folder, options.host_id),
      views_(core_, jobs_, links_, shell_, {options.started_wall_us, options.cluster_id}),
      admission_({core_, shell_, jobs_, links_, publisher_, environment.fs, environment.runner,
                  options.cluster_id, options.jobs_end_with_master}),
      service_(core_, shell_, views_, admission_, binaries_, jobs_, links_, timer_, options.epoch),
      connections_(kj::heap<kj::TaskSet>(static_cast<kj::TaskSet::ErrorHandler&>(*this))) {}

kj::Promise<void> Master::Run() { return shell_.Run(); }

kj::Promise<void> Master::Stop() {
  stopping_ = true;
  auto durable = shell_.Durable();
  shell_.Close();  // what breaks from here on is our own doing, and no news
  connections_ = nullptr;
  return durable.catch_([](kj::Exception&&) {});  // Run has said so
}

// --- Recovery ---

absl::Status Master::Recover() {
  uint64_t entries = 0;
  MILLRACE_RETURN_IF_ERROR(
      journal_.ReadAll([this, &entries](uint64_t sequence, const JournalEntry& entry) {
        ++entries;
        absl::Status restored = Restore(entry);
        if (restored.ok()) return restored;
        return absl::DataLossError(
            absl::StrCat("entry ", sequence, " of the journal: ", restored.ToString()));
      }));
  RestoreStaging();
  LOG_IF(INFO, entries > 0) << "read the journal: " << CountText(core_.Jobs().size(), "job") << ", "
                            << core_.Cluster().unfinished_jobs << " of them unfinished";
  return absl::OkStatus();
}

absl::Status Master::Restore(const JournalEntry& entry) {
  MILLRACE_ASSIGN_OR_RETURN(const JobEdit edit, DecodeEdit(entry.bytes));
  if (const auto* accepted = std::get_if<JobAccepted>(&edit)) {
    MILLRACE_ASSIGN_OR_RETURN(const JobSpec spec, DecodeJobSpec(accepted->spec));
    jobs_.Put(std::make_shared<StoredJob>(MakeStoredJob(accepted->job, spec, options_.cluster_id)));
  }
  if (const auto* folded = std::get_if<JobFolded>(&edit)) jobs_.Remove(folded->summary.job);
  core_.Apply(edit);
  return absl::OkStatus();
}

// A crash of the host may have taken the folders of jobs that go on; and beside what jobs wrote
// there may lie what was staged for a repeated submit that was never accepted.
void Master::RestoreStaging() {
  OutputCommitter committer(&fs_);
  const std::map<std::string, std::string> unfinished = jobs_.OutputFolders();
  std::map<std::string, std::string> missing;  // by output folder, before anything is staged there
  for (JobId job : core_.Jobs()) {
    const JobSummary summary = core_.Job(job)->summary;
    // One that feeds another writes to that one's folder.
    if (!summary.plan.feeds) {
      committer.RemoveUnknown(summary.plan.output_folder, options_.cluster_id, unfinished);
    }
    if (summary.state >= JobState::kSucceeded) continue;
    const auto stored = jobs_.Find(job);
    CHECK(stored != nullptr) << job << " is not finished and not known";
    const JobContext& context = stored->context;
    const auto [topmost, is_first] = missing.try_emplace(context.output_folder);
    if (is_first) topmost->second = committer.TopmostMissing(context.output_folder).value_or("");
    absl::Status staged =
        committer
            .Stage({context.output_folder, context.staging_key, context.nonce, topmost->second})
            .status();
    if (staged.ok() && context.keeps_outputs()) {
      staged = committer.Keep(context.output_folder, context.staging_key, context.keep_folder);
    }
    LOG_IF(WARNING, !staged.ok()) << job << " goes on, but its attempts will fail: " << staged;
  }
}

// --- Actions ---

void Master::Perform(const Action& action) { std::visit(Performer(*this), action); }

void Master::Publish(JobId job) {
  const auto stored = jobs_.Find(job);
  CHECK(stored != nullptr) << job << " has run without being known";
  publisher_.Publish(*stored, {core_.Parts(job), core_.SkippedRecords(job)});
}

void Master::Abort(JobId job) {
  const auto stored = jobs_.Find(job);
  if (stored == nullptr) return;
  aborting_.insert(job);
  publisher_.Abort(*stored, [this, job]() {
    aborting_.erase(job);
    DropJob(job);
    service_.Changed(JobChanged{job});
  });
}

void Master::DropJob(JobId job) {
  if (aborting_.count(job) > 0) return;  // comes again when its output folder is clean
  jobs_.Remove(job);
  binaries_.Prune(jobs_.BinariesInUse());
}

// --- Connections ---

void Master::Accept(const PeerInfo& peer, kj::Own<kj::AsyncIoStream> stream) {
  if (stopping_) return;
  switch (peer.role) {
    case Role::kWorker: return ServeWorker(peer, kj::mv(stream));
    case Role::kClient: return Serve(peer, kj::mv(stream), service_.NewJobs(peer.address));
    case Role::kBulk: return Serve(peer, kj::mv(stream), service_.NewBinaries());
    case Role::kMaster:
    case Role::kFetcher: break;  // not among Roles()
  }
  LOG(WARNING) << peer.address << " came as a " << Name(peer.role) << ", which a master refuses";
}

void Master::Serve(const PeerInfo& peer, kj::Own<kj::AsyncIoStream> stream,
                   capnp::Capability::Client own) {
  auto connection = kj::heap<Connection>(kj::mv(stream), capnp::rpc::twoparty::Side::SERVER,
                                         kj::mv(own), peer.address);
  auto gone = connection->OnDisconnect().then([]() {}, [](kj::Exception&&) {});
  connections_->add(gone.attach(kj::mv(connection)));
}

void Master::ServeWorker(const PeerInfo& peer, kj::Own<kj::AsyncIoStream> stream) {
  auto worker = kj::heap<WorkerPeer>(links_, terms_, peer.address);
  auto connection = kj::heap<Connection>(kj::mv(stream), capnp::rpc::twoparty::Side::SERVER,
                                         worker->Registry(), peer.address);
  auto closing = worker->Closing().then([address = peer.address](std::string reason) {
    LOG(WARNING) << "closing the connection of the worker at " << address << ": " << reason;
  });
  auto gone = connection->OnDisconnect()
                  .then([]() {}, [](kj::Exception&&) {})
                  .exclusiveJoin(kj::mv(closing));
  connections_->add(gone.attach(kj::mv(connection)).attach(kj::mv(worker)));
}

// One worker that waits to be dialled; a new connection each time the last one broke.
class Master::DialledWorker {
 public:
  DialledWorker(Master& master, std::string address, std::string own_address, DialWorker dial)
      : master_(master),
        address_(std::move(address)),
        own_address_(std::move(own_address)),
        dial_(std::move(dial)),
        redialer_(
            master.timer_, absl::StrCat("worker at ", address_), BackoffOptions(),
            std::hash<std::string>()(address_), [this]() { return Dial(); },
            [this](Connection&) { return Session(); }) {}

  // What another try cannot mend at once (another version, another key) may be mended by hand.
  kj::Promise<void> Run() {
    return redialer_.Run()
        .catch_([this](kj::Exception&& e) {
          LOG(ERROR) << "worker at " << address_ << ": " << e.getDescription().cStr();
        })
        .then([this]() { return master_.timer_.afterDelay(30 * kj::SECONDS); })
        .then([this]() { return Run(); });
  }

 private:
  kj::Promise<kj::Own<Connection>> Dial() {
    peer_ = kj::heap<WorkerPeer>(master_.links_, master_.terms_, address_, own_address_);
    return dial_(peer_->Registry());
  }

  kj::Promise<void> Session() {
    auto closed = peer_->Closing().then([](std::string reason) -> kj::Promise<void> {
      return ToException(absl::UnavailableError(reason));
    });
    return closed.attach(kj::defer([this]() { master_.links_.Left(*peer_); }));
  }

  Master& master_;
  const std::string address_;
  const std::string own_address_;
  const DialWorker dial_;
  kj::Own<WorkerPeer> peer_;  // outlives its connection
  Redialer redialer_;
};

kj::Promise<void> Master::KeepDialling(const std::string& address, const std::string& own_address,
                                       DialWorker dial) {
  auto worker = kj::heap<DialledWorker>(*this, address, own_address, std::move(dial));
  auto running = worker->Run();
  return running.attach(kj::mv(worker));
}

// Every expected failure was dealt with in its own step.
void Master::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "bug in the master's connections: " << kj::str(exception).cStr();
}

}  // namespace millrace
