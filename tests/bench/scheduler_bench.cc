// How fast the master's core decides, and how much memory a task costs it.
//
// One job runs from submit to publishing on a cluster of obedient workers. Every map report comes
// with a heartbeat, every reduce asks for its slot; nothing is sent, journalled or waited for. The
// figures to beat, on one core, with 10,000 workers and 1,000,000 tasks: 200,000 events/s and 400
// bytes per task.
#include <malloc.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>

#include "master/core/master_core.h"

namespace millrace {
namespace {

struct Options {
  uint32_t workers = 10'000;
  uint32_t slots = 4;
  uint32_t maps = 950'000;
  uint32_t reducers = 50'000;
};

constexpr char kHelp[] =
    "usage: scheduler_bench [WORKERS [TASKS]]\n"
    "  WORKERS  worker processes of 4 slots each (default 10000)\n"
    "  TASKS    tasks of the job, 5 % of them reduces (default 1000000)\n"
    "Prints events per second and bytes per task of the master's core, on one core.\n"
    "Targets for the defaults: at least 200000 events/s, at most 400 bytes/task; exit 1 below.\n";

constexpr double kEventsPerSecondMin = 200'000;
constexpr double kBytesPerTaskMax = 400;

uint64_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options) {}

  // Returns false if a target was missed.
  bool Run();

 private:
  void Happens(const Event& event);
  void JoinWorkers();
  void RunTasks();
  void Finish(const LaunchAttempt& launch);

  const Options options_;
  MasterCore core_{CoreOptions{}};
  CoreTime now_;
  uint64_t events_ = 0;
  std::deque<LaunchAttempt> launched_;
  bool publishing_ = false;
};

void Bench::Happens(const Event& event) {
  now_ = now_ + absl::Microseconds(1);
  ++events_;
  const Decision decision = core_.OnEvent(now_, event);
  for (const Action& action : decision.actions) {
    if (const auto* launch = std::get_if<LaunchAttempt>(&action)) launched_.push_back(*launch);
    if (std::holds_alternative<PublishJob>(action)) publishing_ = true;
  }
}

void Bench::JoinWorkers() {
  for (uint32_t i = 1; i <= options_.workers; ++i) {
    WorkerJoined joined;
    joined.worker = WorkerId(i);
    joined.incarnation = Incarnation(i);
    joined.slots = options_.slots;
    joined.name = "worker" + std::to_string(i);
    Happens(joined);
  }
}

void Bench::RunTasks() {
  while (!launched_.empty()) {
    const LaunchAttempt launch = launched_.front();
    launched_.pop_front();
    Finish(launch);
  }
}

void Bench::Finish(const LaunchAttempt& launch) {
  if (launch.task.stage == 0) {
    Happens(HeartbeatReceived{launch.worker});
  } else {
    Happens(SourcesReady{launch.worker, launch.attempt, core_.SourceVersion(launch.task.job)});
  }
  AttemptReported report;
  report.worker = launch.worker;
  report.outcome.attempt = launch.attempt;
  report.outcome.task = launch.task;
  report.outcome.cause = Cause::kSucceeded;
  report.outcome.digest = Digest{launch.task.index, launch.task.stage};
  report.outcome.stats.input_bytes = 64 << 20;
  report.outcome.counters["wordcount/words"] = 1000;
  Happens(report);
}

bool Bench::Run() {
  JoinWorkers();
  const uint64_t heap_before = HeapBytes();
  events_ = 0;
  const auto start = std::chrono::steady_clock::now();
  JobSubmitted job;
  job.plan.name = "bench";
  job.plan.request_id = "bench";
  job.plan.output_folder = "/out";
  job.plan.map_count = options_.maps;
  job.plan.reducers = options_.reducers;
  Happens(job);
  RunTasks();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const double tasks = static_cast<double>(options_.maps) + options_.reducers;
  const double bytes = static_cast<double>(HeapBytes() - heap_before) / tasks;
  const double rate = static_cast<double>(events_) / seconds.count();
  std::printf("%u workers, %.0f tasks, %llu events in %.2f s\n", options_.workers, tasks,
              static_cast<unsigned long long>(events_), seconds.count());
  std::printf("%.0f events/s (target: at least %.0f)\n", rate, kEventsPerSecondMin);
  std::printf("%.0f bytes/task (target: at most %.0f)\n", bytes, kBytesPerTaskMax);
  if (!publishing_) std::printf("the job did not reach publishing\n");
  return publishing_ && rate >= kEventsPerSecondMin && bytes <= kBytesPerTaskMax;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  millrace::Options options;
  if (argc > 1 && argv[1][0] == '-') {
    std::fputs(millrace::kHelp, stdout);
    return std::string(argv[1]) == "--help" ? 0 : 2;
  }
  if (argc > 1) options.workers = static_cast<uint32_t>(std::atoi(argv[1]));
  if (argc > 2) {
    const uint32_t tasks = static_cast<uint32_t>(std::atoi(argv[2]));
    options.reducers = tasks / 20;
    options.maps = tasks - options.reducers;
  }
  return millrace::Bench(options).Run() ? 0 : 1;
}
