#include "worker/worker_process.h"

#include <arpa/inet.h>
#include <kj/async-io.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "mapreduce/count_text.h"
#include "mapreduce/status_macros.h"
#include "rpc/acceptor.h"
#include "rpc/address.h"
#include "rpc/connection.h"
#include "rpc/host_id.h"
#include "rpc/io_thread.h"
#include "rpc/json_writer.h"
#include "rpc/lifeline.h"
#include "rpc/listen.h"
#include "rpc/ready_file.h"
#include "rpc/redialer.h"
#include "rpc/status_exception.h"
#include "rpc/stop_signals.h"
#include "rpc/worker_name.h"
#include "storage/failpoint.h"
#include "storage/open_files.h"
#include "storage/posix_file_system.h"
#include "worker/process_executor.h"
#include "worker/scratch_folder.h"
#include "worker/worker_shell.h"

namespace millrace {
namespace {

constexpr int kExitStopped = 0;
constexpr int kExitUsage = 2;
constexpr int kExitRefused = 3;
constexpr int kExitVersionMismatch = 6;

uint64_t Draw() {
  uint64_t number = 0;
  KernelEntropy()(reinterpret_cast<uint8_t*>(&number), sizeof(number));
  return number | 1;  // zero stands for "none"
}

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "unknown-host";
}

std::string ScratchParent(const WorkerOptions& options) {
  if (!options.scratch_folder.empty()) return options.scratch_folder;
  const char* const folder = std::getenv("TMPDIR");
  return folder != nullptr && folder[0] == '/' ? folder : "/tmp";
}

// What a worker has open in any case, with some to spare for fetching and serving map outputs; and
// what each executor adds: its socket, its log, its process, and as many again while it is started.
constexpr size_t kOpenFilesBase = 32;
constexpr size_t kOpenFilesPerSlot = 8;

absl::Status CheckOpenFiles(uint32_t slots) {
  const size_t allowed = OpenFilesLimit();
  const size_t needed = kOpenFilesBase + kOpenFilesPerSlot * slots;
  if (allowed >= needed) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "a worker with ", CountText(slots, "slot"), " needs ", needed, " open files, and ", allowed,
      " are allowed: raise the limit (ulimit -n ", needed, "), or give it fewer --slots"));
}

// Everything that can be wrong before anything has been done.
absl::StatusOr<ConnectionOptions> CheckOptions(const WorkerOptions& options) {
  MILLRACE_ASSIGN_OR_RETURN(const HostPort listen,
                            ParseHostPort(options.listen, PortZero::kAllowed));
  if (!options.master.empty()) {
    MILLRACE_RETURN_IF_ERROR(ParseHostPort(options.master, PortZero::kRefused).status());
  }
  if (options.slots == 0) return absl::InvalidArgumentError("a worker needs at least one slot");
  if (!options.name.empty()) MILLRACE_RETURN_IF_ERROR(CheckWorkerName(options.name));
  MILLRACE_RETURN_IF_ERROR(CheckOpenFiles(options.slots));
  ConnectionOptions connection;
  if (!options.cluster_key_file.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(connection.key, ClusterKey::Load(options.cluster_key_file));
  } else if (!IsLoopback(listen.host) && !options.insecure) {
    return absl::InvalidArgumentError(absl::StrCat(
        "anybody who can reach ", options.listen,
        " could read this cluster's data: give all of its processes a --cluster_key_file (mode "
        "0600), or listen on 127.0.0.1, or say --insecure if the network is yours alone"));
  }
  return connection;
}

// Our own address on this connection, as the peer sees it; empty when there is none.
std::string LocalHost(kj::AsyncIoStream& stream) {
  sockaddr_storage address = {};
  uint length = sizeof(address);
  stream.getsockname(reinterpret_cast<sockaddr*>(&address), &length);
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in&>(address).sin_addr, text, sizeof(text));
  } else if (address.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6&>(address).sin6_addr, text, sizeof(text));
  }
  return text;
}

// The part of a running worker that needs an operating system.
class WorkerProcess final : private kj::TaskSet::ErrorHandler {
 public:
  WorkerProcess(const WorkerOptions& options, const ConnectionOptions& connection,
                kj::AsyncIoContext& io)
      : options_(options),
        connection_(connection),
        io_(io),
        timer_(io.provider->getTimer()),
        network_(io.provider->getNetwork()),
        signals_(io.unixEventPort),
        lifeline_(*io.lowLevelProvider, options.lifeline_fd),
        ready_file_(file_system_, options.ready_file),
        tasks_(*this) {}
  KJ_DISALLOW_COPY(WorkerProcess);

  absl::Status Start();

  // Runs until somebody asks it to stop. Rejects when the master will never have us.
  kj::Promise<void> RunUntilStopped();

 private:
  WorkerShellOptions ShellOptions() const;
  absl::Status MakeScratchFolder();
  absl::Status Listen();
  std::string Announcement() const;
  std::string ShuffleAddress(kj::AsyncIoStream& to_master) const;

  kj::Promise<void> StayJoined();
  kj::Promise<kj::Own<Connection>> DialMaster();
  void Accept(PeerInfo peer, kj::Own<kj::AsyncIoStream> stream);
  kj::Promise<void> ServeMaster(std::string peer, kj::Own<kj::AsyncIoStream> stream);
  kj::Promise<void> ServeFetcher(std::string peer, kj::Own<kj::AsyncIoStream> stream);

  kj::Promise<void> StopAsked();
  void taskFailed(kj::Exception&& exception) override;

  const WorkerOptions& options_;
  const ConnectionOptions connection_;
  kj::AsyncIoContext& io_;
  kj::Timer& timer_;
  kj::Network& network_;
  PosixFileSystem file_system_;
  StopSignals signals_;
  Lifeline lifeline_;
  ReadyFile ready_file_;
  // Each is used by those below it.
  std::unique_ptr<ScratchFolder> scratch_;
  std::unique_ptr<IoThread> io_thread_;
  std::unique_ptr<ProcessExecutorFactory> executors_;
  std::unique_ptr<WorkerShell> shell_;
  HostPort listen_;  // with the real port
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<Redialer> redialer_;
  bool serving_master_ = false;
  kj::TaskSet tasks_;
};

absl::Status WorkerProcess::Start() {
  MILLRACE_RETURN_IF_ERROR(ready_file_.Check());
  MILLRACE_RETURN_IF_ERROR(MakeScratchFolder());
  io_thread_ = std::make_unique<IoThread>();
  executors_ =
      std::make_unique<ProcessExecutorFactory>(*io_.lowLevelProvider, io_.unixEventPort, timer_);
  shell_ = std::make_unique<WorkerShell>(
      WorkerShell::Host{timer_, network_, file_system_, *io_thread_, *executors_}, ShellOptions());
  SetFailpointWorker(ShellOptions().info.name);
  MILLRACE_RETURN_IF_ERROR(Listen());
  LOG(INFO) << "worker listens on " << ToString(listen_) << ", scratch folder " << scratch_->path();
  if (options_.on_ready) options_.on_ready(ToString(listen_));
  return ready_file_.Write(Announcement());
}

absl::Status WorkerProcess::MakeScratchFolder() {
  auto made = ScratchFolder::Make(file_system_, ScratchParent(options_));
  if (made.ok()) {
    scratch_ = *std::move(made);
    return absl::OkStatus();
  }
  const bool is_chosen = !options_.scratch_folder.empty();
  return absl::InvalidArgumentError(
      absl::StrCat(is_chosen ? "--scratch_dir: " : "$TMPDIR: ", made.status().message(),
                   is_chosen ? "; name another" : "; make it, or pass --scratch_dir=DIR"));
}

WorkerShellOptions WorkerProcess::ShellOptions() const {
  WorkerShellOptions shell;
  shell.info.host = HostName();
  shell.info.name =
      options_.name.empty() ? DefaultWorkerName(shell.info.host, getpid()) : options_.name;
  shell.info.incarnation = Incarnation(Draw());
  shell.info.slots = options_.slots;
  shell.info.host_id = HostId();
  shell.info.pid = static_cast<uint64_t>(getpid());
  shell.info.scratch_folder = scratch_->path();
  shell.connection = connection_;
  shell.master_address = options_.master;
  shell.new_incarnation = []() { return Incarnation(Draw()); };
  return shell;
}

absl::Status WorkerProcess::Listen() {
  MILLRACE_ASSIGN_OR_RETURN(auto receiver, ListenOn(io_, options_.listen));
  MILLRACE_ASSIGN_OR_RETURN(listen_, ParseHostPort(options_.listen, PortZero::kAllowed));
  listen_.port = static_cast<uint16_t>(receiver->getPort());
  std::vector<Role> roles = {Role::kFetcher};
  if (options_.master.empty()) roles.push_back(Role::kMaster);
  acceptor_ = std::make_unique<Acceptor>(timer_, kj::mv(receiver), connection_, roles,
                                         [this](PeerInfo peer, kj::Own<kj::AsyncIoStream> stream) {
                                           Accept(std::move(peer), kj::mv(stream));
                                         });
  return absl::OkStatus();
}

// What scripts read: the real address.
std::string WorkerProcess::Announcement() const {
  JsonWriter json;
  json.OpenObject().Key("pid").Number(static_cast<uint64_t>(getpid()));
  json.Key("listen").String(ToString(listen_));
  json.Key("name").String(ShellOptions().info.name);
  json.CloseObject();
  return std::move(json).Take();
}

// --- Connections ---

// Where other workers can reach us.
std::string WorkerProcess::ShuffleAddress(kj::AsyncIoStream& to_master) const {
  HostPort address = listen_;
  if (!options_.advertise.empty()) {
    address.host = options_.advertise;
  } else if (IsWildcard(listen_.host)) {
    address.host = LocalHost(to_master);
  }
  return ToString(address);
}

kj::Promise<void> WorkerProcess::StayJoined() {
  redialer_ = std::make_unique<Redialer>(
      timer_, absl::StrCat("the master at ", options_.master), BackoffOptions(), Draw(),
      [this]() { return DialMaster(); },
      [this](Connection& connection) { return shell_->Serve(connection); });
  return redialer_->Run();
}

kj::Promise<kj::Own<Connection>> WorkerProcess::DialMaster() {
  return DialStream(network_, timer_, options_.master, Role::kWorker, connection_)
      .then([this](kj::Own<kj::AsyncIoStream> stream) {
        shell_->SetShuffleAddress(ShuffleAddress(*stream));
        return kj::heap<Connection>(kj::mv(stream), capnp::rpc::twoparty::Side::CLIENT,
                                    capnp::Capability::Client(nullptr), options_.master);
      });
}

void WorkerProcess::Accept(PeerInfo peer, kj::Own<kj::AsyncIoStream> stream) {
  if (peer.role == Role::kFetcher) {
    tasks_.add(ServeFetcher(std::move(peer.address), kj::mv(stream)));
  } else if (serving_master_) {
    // A dead connection is noticed within seconds; then the master that dials again is let in.
    LOG(WARNING) << "a master at " << peer.address
                 << " dialled, but this worker has a master already: refused";
  } else {
    tasks_.add(ServeMaster(std::move(peer.address), kj::mv(stream)));
  }
}

kj::Promise<void> WorkerProcess::ServeMaster(std::string peer, kj::Own<kj::AsyncIoStream> stream) {
  serving_master_ = true;
  shell_->SetShuffleAddress(ShuffleAddress(*stream));
  auto connection = kj::heap<Connection>(kj::mv(stream), capnp::rpc::twoparty::Side::SERVER,
                                         capnp::Capability::Client(nullptr), peer);
  auto served = shell_->Serve(*connection);
  return served.attach(kj::mv(connection), kj::defer([this]() { serving_master_ = false; }))
      .catch_([peer](kj::Exception&& exception) {
        LOG(WARNING) << "the master at " << peer << ": " << exception.getDescription().cStr();
      });
}

kj::Promise<void> WorkerProcess::ServeFetcher(std::string peer, kj::Own<kj::AsyncIoStream> stream) {
  auto connection = kj::heap<Connection>(kj::mv(stream), capnp::rpc::twoparty::Side::SERVER,
                                         shell_->NewShuffleServer(), std::move(peer));
  auto gone = connection->OnDisconnect();
  return gone.attach(kj::mv(connection));
}

// --- Life and end ---

kj::Promise<void> WorkerProcess::RunUntilStopped() {
  tasks_.add(acceptor_->Run());
  kj::Promise<void> joined =
      options_.master.empty() ? kj::Promise<void>(kj::NEVER_DONE) : StayJoined();
  return joined.exclusiveJoin(StopAsked());
}

kj::Promise<void> WorkerProcess::StopAsked() {
  auto drained = signals_.Terminated().then([this]() {
    LOG(INFO) << "SIGTERM: draining";
    return shell_->Drain();
  });
  auto interrupted = signals_.Interrupted().then([]() { LOG(INFO) << "SIGINT: stopping at once"; });
  auto abandoned = lifeline_.Ended().then(
      []() { LOG(INFO) << "stopping: the process that started this worker has ended"; });
  return drained.exclusiveJoin(kj::mv(interrupted)).exclusiveJoin(kj::mv(abandoned));
}

void WorkerProcess::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "bug in the worker's process: " << kj::str(exception).cStr();
}

int Complain(int exit_code, const absl::Status& status) {
  std::fprintf(stderr, "millrace worker: %s\n", std::string(status.message()).c_str());
  return exit_code;
}

int ExitCodeOf(const kj::Exception& exception) {
  const bool version = exception.getType() == kj::Exception::Type::UNIMPLEMENTED;
  return Complain(version ? kExitVersionMismatch : kExitRefused, ToStatus(exception));
}

}  // namespace

int RunWorker(const WorkerOptions& options) {
  RaiseOpenFilesLimit();
  const absl::StatusOr<ConnectionOptions> connection = CheckOptions(options);
  if (!connection.ok()) return Complain(kExitUsage, connection.status());

  const ExceptionLogging logging = InstallExceptionLogging();
  StopSignals::Capture();
  kj::AsyncIoContext io = kj::setupAsyncIo();
  WorkerProcess process(options, *connection, io);
  if (const absl::Status started = process.Start(); !started.ok()) {
    return Complain(kExitUsage, started);
  }
  const auto failure =
      kj::runCatchingExceptions([&]() { process.RunUntilStopped().wait(io.waitScope); });
  KJ_IF_MAYBE (exception, failure) {
    return ExitCodeOf(*exception);
  }
  return kExitStopped;
}

}  // namespace millrace
