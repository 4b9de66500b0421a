#include "master/master_process.h"

#include <kj/async-io.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "glog/logging.h"
#include "mapreduce/status_macros.h"
#include "master/http_service.h"
#include "master/master.h"
#include "master/memory_journal.h"
#include "master/route.h"
#include "master/sqlite_journal.h"
#include "master/state_folder.h"
#include "rpc/acceptor.h"
#include "rpc/address.h"
#include "rpc/connection.h"
#include "rpc/host_id.h"
#include "rpc/io_thread.h"
#include "rpc/json_writer.h"
#include "rpc/lifeline.h"
#include "rpc/listen.h"
#include "rpc/ready_file.h"
#include "rpc/status_exception.h"
#include "rpc/stop_signals.h"
#include "rpc/view_json.h"
#include "storage/open_files.h"
#include "storage/paths.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

constexpr int kExitStopped = 0;
constexpr int kExitFailed = 1;
constexpr int kExitCannotStart = 2;

std::string TemporaryRoot() {
  const char* const folder = std::getenv("TMPDIR");
  return folder != nullptr && folder[0] == '/' ? folder : "/tmp";
}

// Everything that can be wrong before anything has been done.
absl::StatusOr<ConnectionOptions> CheckOptions(const MasterOptions& options) {
  MILLRACE_ASSIGN_OR_RETURN(const HostPort listen,
                            ParseHostPort(options.listen, PortZero::kAllowed));
  if (!options.http.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(const HostPort http, ParseHostPort(options.http, PortZero::kAllowed));
    if (!IsLoopback(http.host) && !options.insecure) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--http=", options.http, " can be read from other machines, and asks nobody for a key: ",
          "listen on 127.0.0.1, or pass --insecure if the network is yours alone"));
    }
  }
  for (const std::string& worker : options.dial_workers) {
    MILLRACE_RETURN_IF_ERROR(ParseHostPort(worker, PortZero::kRefused).status());
  }
  if (options.lease < absl::Milliseconds(100) || options.lease > absl::Hours(1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a lease of ", absl::FormatDuration(options.lease), " is not between 100ms and 1h"));
  }
  ConnectionOptions connection;
  if (!options.cluster_key_file.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(connection.key, ClusterKey::Load(options.cluster_key_file));
  } else if (!IsLoopback(listen.host) && !options.insecure) {
    return absl::InvalidArgumentError(absl::StrCat(
        "anybody who can reach ", options.listen,
        " could run programs on this cluster: give all "
        "of its processes a --cluster_key_file (mode 0600), or listen on 127.0.0.1, or say "
        "--insecure if the network is yours alone"));
  }
  return connection;
}

// The part of a running master that needs an operating system.
class MasterProcess final : private kj::TaskSet::ErrorHandler {
 public:
  MasterProcess(const MasterOptions& options, const ConnectionOptions& connection,
                kj::AsyncIoContext& io)
      : options_(options),
        connection_(connection),
        io_(io),
        timer_(io.provider->getTimer()),
        network_(io.provider->getNetwork()),
        signals_(io.unixEventPort),
        lifeline_(*io.lowLevelProvider, options.lifeline_fd),
        ready_file_(fs_, options.ready_file),
        tasks_(*this) {}
  ~MasterProcess() noexcept(false) {
    fs_.RemoveTree(temporary_folder_).IgnoreError();  // of uploaded binaries, if there were any
  }
  KJ_DISALLOW_COPY(MasterProcess);

  // Whether it could write what it will write later. Changes nothing.
  absl::Status CheckPlaces() { return ready_file_.Check(); }
  // The state folder, the journal, and what they tell.
  absl::Status OpenState();
  absl::Status Listen();
  absl::Status SayReady();

  // Runs until somebody asks it to stop. Rejects when the journal has failed.
  kj::Promise<void> RunUntilStopped();
  // Writes the state.
  kj::Promise<absl::Status> Stop();

 private:
  void MakeMaster();
  kj::Promise<void> CheckShuffle(const std::string& address);
  std::string AddressFor(const std::string& worker) const;
  kj::Promise<void> StopAsked();
  std::string Announcement() const;
  void taskFailed(kj::Exception&& exception) override;

  const MasterOptions& options_;
  const ConnectionOptions connection_;
  kj::AsyncIoContext& io_;
  kj::Timer& timer_;
  kj::Network& network_;
  PosixFileSystem fs_;
  StopSignals signals_;
  Lifeline lifeline_;
  ReadyFile ready_file_;

  const std::string temporary_folder_ =
      absl::StrCat(TemporaryRoot(), "/millrace-master-", getpid());
  std::unique_ptr<StateFolder> state_;  // null without --state_dir
  std::unique_ptr<Journal> journal_;
  IoThread io_thread_;
  std::unique_ptr<Master> master_;
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<HttpService> http_;
  std::string address_;       // HOST:PORT that it listens on
  std::string http_address_;  // empty: none
  kj::TaskSet tasks_;
};

absl::Status MasterProcess::OpenState() {
  if (options_.state_dir.empty()) {
    journal_ = std::make_unique<MemoryJournal>();
  } else {
    MILLRACE_ASSIGN_OR_RETURN(state_, StateFolder::Open(fs_, options_.state_dir));
    MILLRACE_ASSIGN_OR_RETURN(journal_, SqliteJournal::Open(state_->journal_path()));
  }
  // Recovering may take a while, and until then this master is not ready.
  MILLRACE_RETURN_IF_ERROR(ready_file_.RemoveStale());
  MakeMaster();
  return master_->Recover();
}

void MasterProcess::MakeMaster() {
  Master::Options options;
  options.epoch = state_ != nullptr ? state_->epoch() : Epoch(1);
  options.cluster_id = state_ != nullptr ? state_->cluster_id() : DrawClusterId();
  options.started_wall_us = absl::ToUnixMicros(absl::Now());
  options.lease = options_.lease;
  options.reuse_bytes = options_.reuse_bytes;
  options.binaries_folder =
      UploadedBinariesFolder(state_ != nullptr ? options_.state_dir : temporary_folder_);
  options.host_id = HostId();
  options.jobs_end_with_master = state_ == nullptr;
  options.check_shuffle = [this](std::string address) { return CheckShuffle(address); };
  master_ =
      std::make_unique<Master>(Master::Environment{timer_, fs_, *journal_, io_thread_}, options);
}

// Workers fetch from each other at the address that each of them advertises; one that cannot be
// reached from here is most likely a name or a network that only the worker knows.
kj::Promise<void> MasterProcess::CheckShuffle(const std::string& address) {
  const absl::StatusOr<HostPort> parsed = ParseHostPort(address, PortZero::kRefused);
  if (!parsed.ok()) return ToException(parsed.status());
  if (IsLoopback(parsed->host)) return kj::READY_NOW;  // same host, or of no use to any other
  if (IsWildcard(parsed->host)) {
    return ToException(absl::InvalidArgumentError(
        absl::StrCat(address, " means every address of a host and cannot be dialled")));
  }
  return DialStream(network_, timer_, address, Role::kFetcher, connection_).ignoreResult();
}

// --- Ports ---

absl::Status MasterProcess::Listen() {
  MILLRACE_ASSIGN_OR_RETURN(auto receiver, ListenOn(io_, options_.listen));
  MILLRACE_ASSIGN_OR_RETURN(HostPort address, ParseHostPort(options_.listen, PortZero::kAllowed));
  acceptor_ = std::make_unique<Acceptor>(timer_, kj::mv(receiver), connection_, Master::Roles(),
                                         [this](PeerInfo peer, kj::Own<kj::AsyncIoStream> stream) {
                                           master_->Accept(peer, kj::mv(stream));
                                         });
  address.port = static_cast<uint16_t>(acceptor_->port());
  address_ = ToString(address);

  if (options_.http.empty()) return absl::OkStatus();
  MILLRACE_ASSIGN_OR_RETURN(auto http_receiver, ListenOn(io_, options_.http));
  MILLRACE_ASSIGN_OR_RETURN(HostPort http, ParseHostPort(options_.http, PortZero::kAllowed));
  http_ = std::make_unique<HttpService>(timer_, kj::mv(http_receiver),
                                        [this]() { return JobsJson(master_->views().Jobs()); });
  http.port = static_cast<uint16_t>(http_->port());
  http_address_ = ToString(http);
  return absl::OkStatus();
}

// What scripts read: the real addresses.
std::string MasterProcess::Announcement() const {
  JsonWriter json;
  json.OpenObject().Key("pid").Number(static_cast<uint64_t>(getpid()));
  json.Key("listen").String(address_).Key("http");
  if (http_address_.empty()) {
    json.Null();
  } else {
    json.String(http_address_);
  }
  json.CloseObject();
  return std::move(json).Take();
}

absl::Status MasterProcess::SayReady() {
  LOG(INFO) << "master listens on " << address_
            << (http_address_.empty() ? "" : ", http on " + http_address_)
            << (state_ == nullptr ? "" : ", state in " + options_.state_dir);
  if (options_.on_ready) MILLRACE_RETURN_IF_ERROR(options_.on_ready(address_));
  return ready_file_.Write(Announcement());
}

// --- Life and end ---

kj::Promise<void> MasterProcess::RunUntilStopped() {
  tasks_.add(acceptor_->Run());
  if (http_ != nullptr) tasks_.add(http_->Run());
  for (const std::string& worker : options_.dial_workers) {
    auto dial = [this, worker](capnp::Capability::Client own) {
      return Dial(network_, timer_, worker, Role::kMaster, connection_, kj::mv(own));
    };
    tasks_.add(master_->KeepDialling(worker, AddressFor(worker), std::move(dial)));
  }
  return master_->Run().exclusiveJoin(StopAsked());
}

// Where a worker that was dialled finds this master.
std::string MasterProcess::AddressFor(const std::string& worker) const {
  absl::StatusOr<HostPort> own = ParseHostPort(address_, PortZero::kRefused);
  const absl::StatusOr<HostPort> other = ParseHostPort(worker, PortZero::kRefused);
  if (!own.ok() || !other.ok() || !IsWildcard(own->host)) return address_;
  own->host = LocalAddressTowards(other->host);
  return ToString(*own);
}

kj::Promise<void> MasterProcess::StopAsked() {
  auto terminated = signals_.Terminated().then([]() { LOG(INFO) << "stopping: SIGTERM"; });
  auto interrupted = signals_.Interrupted().then([]() { LOG(INFO) << "stopping: SIGINT"; });
  auto abandoned = lifeline_.Ended().then(
      []() { LOG(INFO) << "stopping: the process that started this master has ended"; });
  return terminated.exclusiveJoin(kj::mv(interrupted)).exclusiveJoin(kj::mv(abandoned));
}

kj::Promise<absl::Status> MasterProcess::Stop() {
  return master_->Stop().then(
      [this]() { return io_thread_.Run([this]() { return journal_->Close(); }); });
}

// Every expected failure was dealt with in its own step.
void MasterProcess::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "bug in the master's process: " << kj::str(exception).cStr();
}

int Complain(int exit_code, const absl::Status& status) {
  std::fprintf(stderr, "millrace master: %s\n", std::string(status.message()).c_str());
  return exit_code;
}

absl::Status Start(MasterProcess& process) {
  MILLRACE_RETURN_IF_ERROR(process.CheckPlaces());
  MILLRACE_RETURN_IF_ERROR(process.OpenState());
  return process.Listen();
}

}  // namespace

int RunMaster(const MasterOptions& options) {
  RaiseOpenFilesLimit();  // each worker and each client has a connection
  const absl::StatusOr<ConnectionOptions> connection = CheckOptions(options);
  if (!connection.ok()) return Complain(kExitCannotStart, connection.status());

  const ExceptionLogging logging = InstallExceptionLogging();
  StopSignals::Capture();
  kj::AsyncIoContext io = kj::setupAsyncIo();
  MasterProcess process(options, *connection, io);
  if (const absl::Status started = Start(process); !started.ok()) {
    return Complain(kExitCannotStart, started);
  }
  if (const absl::Status ready = process.SayReady(); !ready.ok()) {
    return Complain(kExitFailed, ready);
  }

  absl::Status ended;
  const auto failure = kj::runCatchingExceptions([&]() {
    process.RunUntilStopped().wait(io.waitScope);
    ended = process.Stop().wait(io.waitScope);
  });
  KJ_IF_MAYBE (exception, failure) {
    ended = ToStatus(*exception);
  }
  return ended.ok() ? kExitStopped : Complain(kExitFailed, ended);
}

}  // namespace millrace
