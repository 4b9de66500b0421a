#include "worker/process_executor.h"

#include <capnp/rpc-twoparty.h>
#include <errno.h>
#include <fcntl.h>
#include <glog/logging.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "rpc/deadline.h"
#include "rpc/executor.capnp.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"
#include "storage/failpoint.h"
#include "worker/child_exit.h"
#include "worker/cursor_memory.h"
#include "worker/executor_death.h"
#include "worker/executor_wire.h"
#include "worker/log_drain.h"

namespace millrace {
namespace {

// Where the executor finds its two descriptors.
constexpr int kSocketFd = 3;
constexpr int kCursorFd = 4;

struct FdPair {
  kj::AutoCloseFd ours;
  kj::AutoCloseFd theirs;
};

absl::Status NoDescriptors() {
  return absl::UnavailableError(
      absl::StrCat("cannot connect to a new executor: ", strerror(errno),
                   errno == EMFILE ? "; raise the worker's limit of open files (ulimit -n)" : ""));
}

absl::StatusOr<FdPair> MakeSocketPair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return NoDescriptors();
  return FdPair{kj::AutoCloseFd(fds[0]), kj::AutoCloseFd(fds[1])};
}

// Only our end does not block.
absl::StatusOr<FdPair> MakeLogPipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return NoDescriptors();
  FdPair pair{kj::AutoCloseFd(fds[0]), kj::AutoCloseFd(fds[1])};
  if (fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) return NoDescriptors();
  return pair;
}

ChildOptions OptionsFor(const ExecutorCommand& command, int socket, int cursor, int log) {
  ChildOptions options;
  options.path = command.binary_path;
  options.argv = command.argv;
  if (options.argv.empty()) options.argv.push_back(command.binary_path);
  options.environment = command.environment;
  options.environment.push_back(absl::StrCat(kExecutorFdVariable, "=", kSocketFd));
  options.environment.push_back(absl::StrCat(kCursorFdVariable, "=", kCursorFd));
  // Ours, not the client's: who starts a cluster decides how it misbehaves.
  for (std::string& variable : FailpointEnvironment()) {
    options.environment.push_back(std::move(variable));
  }
  options.working_folder = command.working_folder;
  options.fds = {
      {log, STDOUT_FILENO}, {log, STDERR_FILENO}, {socket, kSocketFd}, {cursor, kCursorFd}};
  return options;
}

// Room for the whole task at once: a reduce names thousands of sources.
capnp::MessageSize SizeHint(const ExecutorTask& task) {
  uint64_t words = 256 + task.skip.size() * 24;
  if (const auto* split = std::get_if<InputSplit>(&task.work)) words += split->size() * 24;
  if (const auto* sources = std::get_if<std::vector<ReduceSource>>(&task.work)) {
    words += sources->size() * 32;
  }
  return capnp::MessageSize{words, 0};
}

}  // namespace

// A child and the promise of its end; both must go together.
struct ProcessExecutorFactory::Process {
  Process(kj::UnixEventPort& port, std::unique_ptr<ChildProcess> started)
      : child(std::move(started)), exit(port, *child), exited(exit.Wait().fork()) {}

  const std::unique_ptr<ChildProcess> child;
  ChildExit exit;
  kj::ForkedPromise<ExitStatus> exited;
};

class ProcessExecutorFactory::ProcessExecutor final : public Executor {
 public:
  ProcessExecutor(ProcessExecutorFactory& factory, kj::Own<Process> process,
                  std::unique_ptr<CursorMemory> cursor, kj::Own<kj::AsyncIoStream> socket,
                  kj::AutoCloseFd log)
      : factory_(factory),
        process_(kj::mv(process)),
        cursor_(std::move(cursor)),
        socket_(kj::mv(socket)),
        rpc_(*socket_),
        executor_(rpc_.bootstrap().castAs<capnp_executor::Executor>()),
        log_(factory.port_, kj::mv(log)),
        ended_(NoteEnd().eagerlyEvaluate(nullptr)),
        answered_(AwaitFirstAnswer().eagerlyEvaluate(nullptr)) {}

  ~ProcessExecutor() noexcept(false) override { factory_.Bury(kj::mv(process_)); }

  kj::Promise<AttemptOutcome> Run(const ExecutorTask& task) override {
    progress_ = {};
    log_.Clear();
    auto request = executor_.runRequest(SizeHint(task));
    Write(task, request.initTask());
    return request.send()
        .then([this](auto response) { return Finish(ReadAttemptOutcome(response.getOutcome())); })
        .catch_([this, task](kj::Exception&&) { return Autopsy(task); });
  }

  kj::Promise<AttemptProgress> Progress() override {
    if (!alive()) return progress_;
    auto answer = executor_.progressRequest().send().then([this](auto response) {
      progress_.bytes = response.getBytes();
      progress_.records = response.getRecords();
      progress_.steps = response.getSteps();
      progress_.answered = true;
      // What it has written since may have pushed an older one out of the log.
      if (std::string status = log_.LastStatus(); !status.empty()) {
        progress_.status = std::move(status);
      }
      return progress_;
    });
    return WithDeadline(factory_.timer_, factory_.options_.progress_timeout,
                        "asking an executor for its progress",
                        kj::Promise<AttemptProgress>(kj::mv(answer)))
        .catch_([this](kj::Exception&&) {
          progress_.answered = false;
          return progress_;
        });
  }

  // What lies in the pipe when an attempt begins is not its own, and what it has written is in the
  // pipe when its outcome is here: so the log is that of one attempt.
  AttemptLog Log() override { return log_.Log(); }

  void Kill() override {
    killed_ = true;
    process_->child->KillGroup(SIGKILL);
  }

  bool alive() const override { return !gone_ && !killed_; }

 private:
  kj::Promise<void> NoteEnd() {
    return process_->exited.addBranch().then([this](ExitStatus) { gone_ = true; });
  }

  kj::Promise<void> AwaitFirstAnswer() {
    return WithDeadline(factory_.timer_, factory_.options_.start_timeout, "starting an executor",
                        executor_.progressRequest().send().ignoreResult())
        .catch_([this](kj::Exception&& exception) {
          // A broken connection is its end, which is noticed elsewhere.
          if (exception.getType() != kj::Exception::Type::OVERLOADED || killed_) return;
          never_answered_ = true;
          process_->child->KillGroup(SIGKILL);
        });
  }

  kj::Promise<AttemptOutcome> Finish(absl::StatusOr<AttemptOutcome> outcome) {
    if (!outcome.ok()) return ToException(outcome.status());
    if (outcome->cause != Cause::kSucceeded) outcome->stderr_tail = log_.LastLines();
    return *std::move(outcome);
  }

  // The connection broke. Normally the process has died; one that only lost its socket has no
  // further use. Either way its end tells why.
  kj::Promise<AttemptOutcome> Autopsy(const ExecutorTask& task) {
    process_->child->KillGroup(SIGKILL);
    return process_->exited.addBranch().then([this, task](ExitStatus status) {
      ExecutorDeath death;
      death.status = status;
      death.killed_by_us = killed_;
      death.never_answered = never_answered_;
      death.position = cursor_->page()->DescribePosition();
      death.record = cursor_->page()->Record();
      death.last_lines = log_.LastLines();
      return OutcomeOf(death, task);
    });
  }

  ProcessExecutorFactory& factory_;
  kj::Own<Process> process_;
  const std::unique_ptr<CursorMemory> cursor_;
  bool gone_ = false;
  bool killed_ = false;  // by Kill
  bool never_answered_ = false;
  AttemptProgress progress_;
  kj::Own<kj::AsyncIoStream> socket_;
  capnp::TwoPartyClient rpc_;
  capnp_executor::Executor::Client executor_;
  LogDrain log_;
  // Last: they use all of the above.
  kj::Promise<void> ended_;
  kj::Promise<void> answered_;
};

ProcessExecutorFactory::ProcessExecutorFactory(kj::LowLevelAsyncIoProvider& io,
                                               kj::UnixEventPort& port, kj::Timer& timer,
                                               const ProcessExecutorOptions& options)
    : io_(io), port_(port), timer_(timer), options_(options), burials_(*this) {}

ProcessExecutorFactory::~ProcessExecutorFactory() noexcept(false) = default;

absl::StatusOr<kj::Own<Executor>> ProcessExecutorFactory::Start(const ExecutorCommand& command) {
  MILLRACE_ASSIGN_OR_RETURN(FdPair socket, MakeSocketPair());
  MILLRACE_ASSIGN_OR_RETURN(FdPair log, MakeLogPipe());
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<CursorMemory> cursor, CursorMemory::Make());
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<ChildProcess> child,
                            ChildProcess::Start(OptionsFor(command, socket.theirs.get(),
                                                           cursor->fd(), log.theirs.get())));
  VLOG(1) << "started executor " << child->pid() << ": " << command.binary_path;
  auto stream = io_.wrapSocketFd(kj::mv(socket.ours), kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
  return kj::Own<Executor>(
      kj::heap<ProcessExecutor>(*this, kj::heap<Process>(port_, std::move(child)),
                                std::move(cursor), kj::mv(stream), kj::mv(log.ours)));
}

void ProcessExecutorFactory::Bury(kj::Own<Process> process) {
  process->child->KillGroup(SIGKILL);
  auto gone = process->exited.addBranch().ignoreResult();
  burials_.add(gone.attach(kj::mv(process)));
}

void ProcessExecutorFactory::taskFailed(kj::Exception&& exception) {
  LOG(ERROR) << "waiting for the end of an executor: " << exception.getDescription().cStr();
}

}  // namespace millrace
