#include "tests/sim/executors.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/paths.h"

namespace millrace::sim {
namespace {

std::optional<Program> ProgramOf(const std::string& binary_path) {
  for (int i = 0; i < kProgramCount; ++i) {
    const auto program = static_cast<Program>(i);
    if (BaseName(binary_path) == Name(program)) return program;
  }
  return std::nullopt;
}

}  // namespace

class Executors::SimExecutor final : public Executor {
 public:
  SimExecutor(Executors& all, const JobDescription& job)
      : all_(all), engine_(job, &all.files_, /*cursor_page=*/nullptr) {}
  ~SimExecutor() noexcept(false) override { Leave(); }

  kj::Promise<AttemptOutcome> Run(const ExecutorTask& task) override {
    attempt_ = task.attempt;
    all_.running_.insert(attempt_);
    auto paf = kj::newPromiseAndFulfiller<AttemptOutcome>();
    killed_ = kj::mv(paf.fulfiller);
    begun_ = all_.life_.timer().now();
    duration_ = DrawDuration();
    work_ = WorkOf(task);
    stuck_ = all_.random_.Chance(all_.user_code_.stuck_chance);
    if (stuck_) {
      ++all_.user_code_.stuck[task.task];
      return kj::mv(paf.promise);
    }
    // Work that is done at once is on disk, whatever becomes of the attempt.
    const bool early = all_.random_.Chance(0.5);
    std::optional<AttemptOutcome> done;
    if (early) done = Work(task);
    return all_.life_.timer()
        .afterDelay(duration_)
        .then([this, task, done = std::move(done)]() {
          AttemptOutcome outcome = done.has_value() ? *done : Work(task);
          Leave();
          return outcome;
        })
        .exclusiveJoin(kj::mv(paf.promise));
  }

  kj::Promise<AttemptProgress> Progress() override {
    AttemptProgress progress;
    if (!attempt_.is_set() || stuck_) return progress;
    const auto elapsed = (all_.life_.timer().now() - begun_) / kj::MICROSECONDS;
    const auto whole = duration_ / kj::MICROSECONDS + 1;
    progress.steps = static_cast<uint64_t>(elapsed);
    progress.bytes = progress.records = work_ * static_cast<uint64_t>(elapsed) / whole;
    return progress;
  }

  // Simulated user code writes nothing.
  AttemptLog Log() override {
    AttemptLog log;
    log.is_kept = true;
    return log;
  }

  void Kill() override {
    alive_ = false;
    if (killed_.get() == nullptr || !killed_->isWaiting()) return;
    AttemptOutcome outcome;
    outcome.attempt = attempt_;
    outcome.cause = Cause::kCancelled;
    outcome.message = "the attempt was cancelled";
    Leave();
    killed_->fulfill(std::move(outcome));
  }

  bool alive() const override { return alive_; }

 private:
  // Bytes that a map reads, records that a reduce consumes.
  static uint64_t WorkOf(const ExecutorTask& task) {
    uint64_t work = 0;
    if (const auto* split = std::get_if<InputSplit>(&task.work)) {
      for (const FileRange& range : *split) work += range.length;
    } else {
      for (const auto& source : std::get<std::vector<ReduceSource>>(task.work)) {
        work += source.expected.records;
      }
    }
    return work;
  }

  kj::Duration DrawDuration() {
    const UserCode& code = all_.user_code_;
    const auto shortest = code.shortest / kj::MICROSECONDS;
    const auto longest = code.longest / kj::MICROSECONDS;
    auto us = static_cast<int64_t>(
        all_.random_.Between(static_cast<uint64_t>(shortest), static_cast<uint64_t>(longest)));
    const bool on_slow_worker = code.slow_workers.count(all_.worker_) > 0;
    if (all_.random_.Chance(code.slow_chance) || on_slow_worker) us *= 30;
    return us * kj::MICROSECONDS;
  }

  static bool IsAtABadLine(const AttemptOutcome& outcome) {
    return outcome.task.stage == 0 && absl::StrContains(outcome.message, "a bad line");
  }

  AttemptOutcome Work(const ExecutorTask& task) {
    AttemptOutcome outcome;
    if (uint32_t& failures = all_.user_code_.failures[task.task]; failures > 0) {
      --failures;
      ++all_.user_code_.failed[task.task];
      outcome.attempt = task.attempt;
      outcome.task = task.task;
      outcome.cause = Cause::kUserCodeFailed;
      outcome.message = "user code threw an exception: the simulation wanted it";
      return outcome;
    }
    outcome = engine_.Run(task);
    if (outcome.cause == Cause::kUserCodeFailed && IsAtABadLine(outcome)) {
      ++all_.user_code_.failed[task.task];
      ++all_.user_code_.failed_at_records[task.task];
    }
    // What was measured on this machine differs from run to run.
    outcome.stats.wall_us = static_cast<uint64_t>(duration_ / kj::MICROSECONDS);
    outcome.stats.cpu_us = outcome.stats.wall_us;
    outcome.stats.peak_memory_bytes = 1 << 20;
    return outcome;
  }

  void Leave() {
    all_.running_.erase(attempt_);
    attempt_ = AttemptId();
  }

  Executors& all_;
  TaskExecutor engine_;
  bool alive_ = true;
  AttemptId attempt_;
  kj::TimePoint begun_ = kj::origin<kj::TimePoint>();
  kj::Duration duration_ = 0 * kj::SECONDS;
  uint64_t work_ = 0;
  bool stuck_ = false;
  kj::Own<kj::PromiseFulfiller<AttemptOutcome>> killed_;
};

absl::StatusOr<kj::Own<Executor>> Executors::Start(const ExecutorCommand& command) {
  const std::optional<Program> program = ProgramOf(command.binary_path);
  if (!program.has_value()) {
    return absl::NotFoundError(absl::StrCat("no such program: ", command.binary_path));
  }
  const std::vector<JobDescription>& chain = Describe(*program, command.argv.back() == "chained");
  const bool is_second =
      std::count(command.environment.begin(), command.environment.end(), "MILLRACE_STEP=1") > 0;
  return kj::Own<Executor>(kj::heap<SimExecutor>(*this, chain[is_second ? 1 : 0]));
}

}  // namespace millrace::sim
