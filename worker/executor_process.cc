#include "worker/executor_process.h"

#include <capnp/rpc-twoparty.h>
#include <fcntl.h>
#include <kj/async-io.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "rpc/executor.capnp.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"
#include "storage/posix_file_system.h"
#include "worker/attempt_runner.h"
#include "worker/executor_wire.h"
#include "worker/freed_memory.h"
#include "worker/memory_meter.h"

namespace millrace {
namespace {

// Fresh memory is taken at about 1 GB/s, so a leak gets some 20 MB too far; a look takes 20 us.
constexpr kj::Duration kMemoryCheckPeriod = 20 * kj::MILLISECONDS;

// A task names its sources: thousands of them are more than Cap'n Proto's default of 64 MiB allows
// only in jobs beyond any limit of ours, but a worker is trusted anyway.
capnp::ReaderOptions TrustingOptions() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = uint64_t{1} << 27;  // 1 GiB
  return options;
}

std::optional<int> TakeFd(const char* variable) {
  const char* const text = getenv(variable);
  if (text == nullptr) return std::nullopt;
  char* end = nullptr;
  const long fd = strtol(text, &end, 10);
  const bool valid = end != text && *end == '\0' && fd >= 0 && fcntl(fd, F_GETFD) >= 0;
  unsetenv(variable);
  if (!valid) return std::nullopt;
  fcntl(fd, F_SETFD, FD_CLOEXEC);  // children of user code must not keep it open
  return static_cast<int>(fd);
}

// The page that the worker reads when this process has died; null when there is none.
CursorPage* MapCursorPage() {
  const std::optional<int> fd = TakeFd(kCursorFdVariable);
  if (!fd.has_value()) return nullptr;
  void* const page = mmap(nullptr, sizeof(CursorPage), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
  close(*fd);
  return page == MAP_FAILED ? nullptr : static_cast<CursorPage*>(page);
}

// Ends this process and what user code has started, without a chance to object.
[[noreturn]] void EndGroup() {
  if (getpgrp() == getpid()) kill(0, SIGKILL);
  _exit(1);
}

// The socket tells of the worker's death only those who run: a process that is stopped would stay
// for ever. So it goes on then, and finds the socket closed. SIGKILL instead would leave behind
// what user code has started. The signal comes when the thread ends that has started this process,
// which is the worker's event loop; a worker that has died before has closed the socket already.
void DieWithWorker(int socket_fd) {
  prctl(PR_SET_PDEATHSIG, SIGCONT);
  pollfd worker = {socket_fd, 0, 0};
  if (poll(&worker, 1, 0) == 1 && (worker.revents & POLLHUP) != 0) EndGroup();
}

const JobDescription& StepIn(const std::vector<JobDescription>& chain) {
  size_t step = 0;
  const char* const text = getenv(kStepVariable);
  if (text != nullptr && absl::SimpleAtoi(text, &step) && step < chain.size()) return chain[step];
  return chain.front();
}

class ExecutorServer final : public capnp_executor::Executor::Server {
 public:
  ExecutorServer(kj::Timer& timer, AttemptRunner* runner) : timer_(timer), runner_(runner) {}

  kj::Promise<void> run(RunContext context) override {
    absl::StatusOr<ExecutorTask> task = ReadExecutorTask(context.getParams().getTask());
    if (!task.ok()) return ToException(task.status());
    context.releaseParams();
    BoundFreedMemory();
    auto guard = GuardMemory(task->memory_bytes + kMemoryBesidesTask);
    return RunTask(*std::move(task))
        .exclusiveJoin(kj::mv(guard))
        .then([context](AttemptOutcome outcome) mutable {
          Write(outcome, context.getResults().initOutcome());
        });
  }

  kj::Promise<void> progress(ProgressContext context) override {
    const AttemptProgress progress = runner_->Progress();
    context.getResults().setBytes(progress.bytes);
    context.getResults().setRecords(progress.records);
    context.getResults().setSteps(progress.steps);
    return kj::READY_NOW;
  }

 private:
  kj::Promise<AttemptOutcome> RunTask(ExecutorTask task) {
    auto paf = kj::newPromiseAndCrossThreadFulfiller<AttemptOutcome>();
    // std::function wants something that copies.
    auto fulfiller = std::make_shared<kj::Own<kj::CrossThreadPromiseFulfiller<AttemptOutcome>>>(
        kj::mv(paf.fulfiller));
    const bool started = runner_->Start(std::move(task), [fulfiller](AttemptOutcome outcome) {
      (*fulfiller)->fulfill(std::move(outcome));
    });
    if (!started) {
      return ToException(absl::ResourceExhaustedError("the executor runs another attempt"));
    }
    return kj::mv(paf.promise);
  }

  // Ends the process when it has more memory than `limit`; never resolves. Code that leaks cannot
  // be made to stop, and what it takes would be missed by everybody else on this host.
  kj::Promise<AttemptOutcome> GuardMemory(uint64_t limit) {
    return timer_.afterDelay(kMemoryCheckPeriod).then([this, limit]() {
      if (AnonymousBytes() > limit) _exit(kMemoryLimitExitCode);  // the worker ends the group
      return GuardMemory(limit);
    });
  }

  kj::Timer& timer_;
  AttemptRunner* const runner_;
};

void Serve(int socket_fd, AttemptRunner* runner) {
  auto io = kj::setupAsyncIo();
  const ExceptionLogging logging = InstallExceptionLogging();
  auto stream = io.lowLevelProvider->wrapSocketFd(
      socket_fd,
      kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
  capnp::TwoPartyVatNetwork network(*stream, capnp::rpc::twoparty::Side::SERVER, TrustingOptions());
  auto system =
      capnp::makeRpcServer(network, kj::heap<ExecutorServer>(io.provider->getTimer(), runner));
  network.onDisconnect().wait(io.waitScope);
  EndGroup();  // before any destructor could wait for user code
}

}  // namespace

std::optional<int> TakeExecutorFd() {
  const std::optional<int> fd = TakeFd(kExecutorFdVariable);
  if (fd.has_value()) DieWithWorker(*fd);
  return fd;
}

void RunExecutor(int socket_fd, const std::vector<JobDescription>& chain) {
  KeepFreedMemory();
  PosixFileSystem file_system;
  TaskExecutor executor(StepIn(chain), &file_system, MapCursorPage());
  AttemptRunner runner(&executor);
  try {
    Serve(socket_fd, &runner);
  } catch (...) {
    // The socket is unusable: there is nobody left to tell.
  }
  EndGroup();
}

}  // namespace millrace
