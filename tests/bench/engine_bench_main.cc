// Measures the engine alone: word count with map and reduce runners in forked processes, without
// master, RPC, journal and shuffle.
//
//   engine_bench --tokens=letters --processes=2 --scratch_dir=/dev/shm/bench --rounds=5 FILE...
//
// Prints, for each round, the wall time and the mean time a process spent in each phase. Memory
// that has been free for a while must first come back from the host on a virtual machine, which can
// take longer than the job: --warm_gib touches that much right before each round.
#include <gflags/gflags.h>
#include <glog/logging.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mapreduce/letters.h"
#include "storage/input_split.h"
#include "storage/paths.h"
#include "storage/posix_file_system.h"
#include "worker/engine/map_runner.h"
#include "worker/engine/reduce_runner.h"

DEFINE_string(tokens, "fields", "fields, or letters");
DEFINE_int32(processes, 2, "executors side by side");
DEFINE_int32(reducers, 16, "parts");
DEFINE_int32(split_mb, 64, "largest split, in MiB");
DEFINE_int32(memory_mb, 512, "memory limit of a process, in MiB");
DEFINE_bool(aggregate, true, "declare the sum; otherwise pairs are collected and combined");
DEFINE_string(scratch_dir, "/dev/shm/millrace_engine_bench",
              "for runs and parts; made and removed");
DEFINE_bool(keep, false, "leave runs and parts of the last round");
DEFINE_int32(rounds, 3, "how often");
DEFINE_double(warm_gib, 0, "memory to touch before each round");

namespace millrace {
namespace {

class WordMapper : public Mapper {
 public:
  explicit WordMapper(bool letters) : letters_(letters) {}
  void Map(const MapInput& input) override {
    const auto emit = [this](std::string_view word) { Emit(word, 1); };
    if (letters_) {
      ForEachLetterRun(input, emit);
    } else {
      input.ForEachWord(emit);
    }
  }

 private:
  const bool letters_;
};

class SumReducer : public Reducer {
 public:
  void Reduce(ReduceInput& input) override {
    int64_t sum = 0;
    for (; !input.done(); input.NextValue()) sum += std::stoll(std::string(input.value()));
    Emit(sum);
  }
};

JobDescription WordCount() {
  JobDescription job;
  job.name = "wordcount";
  job.mapper = [] { return std::make_unique<WordMapper>(FLAGS_tokens == "letters"); };
  if (FLAGS_aggregate) {
    job.aggregate = Aggregate::kSum;
  } else {
    job.reducer = job.combiner = [] { return std::make_unique<SumReducer>(); };
  }
  return job;
}

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// What the processes of a round share.
struct Board {
  static constexpr int kMaxMaps = 4096;
  std::atomic<uint32_t> next_map{0};
  std::atomic<uint32_t> maps_done{0};
  std::atomic<uint32_t> next_reduce{0};
  std::atomic<uint64_t> phase_us[kTaskPhaseCount];
  std::atomic<uint64_t> waited_us{0};
  std::atomic<uint64_t> anonymous_kb{0};  // the most that one process had
  std::atomic<uint64_t> run_bytes{0};
  std::atomic<uint64_t> run_records{0};
  Digest digests[kMaxMaps];
};

// Sums the time in each phase onto the board.
class BoardClock : public PhaseClock {
 public:
  explicit BoardClock(Board* board) : board_(board), since_(Now()) {}
  ~BoardClock() override { Enter(TaskPhase::kMap); }
  void Enter(TaskPhase phase) override {
    const double now = Now();
    board_->phase_us[static_cast<int>(phase_)] += static_cast<uint64_t>((now - since_) * 1e6);
    since_ = now;
    phase_ = phase;
  }

 private:
  Board* const board_;
  TaskPhase phase_ = TaskPhase::kMap;
  double since_;
};

uint64_t AnonymousKilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("RssAnon:", 0) == 0) return std::stoull(line.substr(8));
  }
  return 0;
}

std::string RunPath(uint32_t map) { return absl::StrCat(FLAGS_scratch_dir, "/map-", map); }

class BenchProcess {
 public:
  BenchProcess(Board* board, const std::vector<InputSplit>& splits, int number)
      : board_(board),
        splits_(splits),
        temp_folder_(absl::StrCat(FLAGS_scratch_dir, "/temp-", number)) {}

  void Run() {
    CHECK(fs_.CreateFolders(temp_folder_).ok());
    RunMaps();
    const double waiting = Now();
    while (board_->maps_done < splits_.size()) usleep(200);
    board_->waited_us += static_cast<uint64_t>((Now() - waiting) * 1e6);
    RunReduces();
  }

 private:
  void RunMaps() {
    MapRunnerOptions options;
    options.memory_bytes = static_cast<uint64_t>(FLAGS_memory_mb) << 20;
    MapRunner runner(WordCount(), &fs_, options);
    for (uint32_t map; (map = board_->next_map++) < splits_.size();) {
      MapTask task;
      task.attempt = {Epoch(1), map + 1};
      task.task.index = map;
      task.split = splits_[map];
      task.partitions = static_cast<uint32_t>(FLAGS_reducers);
      task.output_path = RunPath(map);
      task.temp_folder = temp_folder_;
      const TaskResult result = Measure([&](TaskHooks& hooks) { return runner.Run(task, hooks); });
      board_->digests[map] = result.digest;
      board_->run_bytes += result.stats.output_bytes;
      board_->run_records += result.stats.output_records;
      ++board_->maps_done;
    }
  }

  void RunReduces() {
    ReduceRunnerOptions options;
    options.memory_bytes = static_cast<uint64_t>(FLAGS_memory_mb) << 20;
    ReduceRunner runner(WordCount(), &fs_, options);
    const auto reducers = static_cast<uint32_t>(FLAGS_reducers);
    for (uint32_t part; (part = board_->next_reduce++) < reducers;) {
      ReduceTask task;
      task.partition = part;
      task.output_path = PartPath(FLAGS_scratch_dir, part, reducers);
      task.temp_folder = temp_folder_;
      for (uint32_t map = 0; map < splits_.size(); ++map) {
        ReduceSource source;
        source.map_index = map;
        source.path = RunPath(map);
        source.whole_run = true;
        source.attempt = {Epoch(1), map + 1};
        source.run_digest = board_->digests[map];
        const auto file = fs_.OpenForReading(source.path);
        CHECK(file.ok()) << file.status();
        const auto run = ReadRunPartition(**file, source.path, part);
        CHECK(run.ok()) << run.status();
        source.expected = run->partition;
        source.format = run->format;
        task.sources.push_back(source);
      }
      Measure([&](TaskHooks& hooks) { return runner.Run(task, hooks); });
    }
  }

  template <typename F>
  TaskResult Measure(F&& run) {
    BoardClock clock(board_);
    TaskHooks hooks;
    hooks.phase_clock = &clock;
    const absl::StatusOr<TaskResult> result = run(hooks);
    CHECK(result.ok()) << result.status();
    const uint64_t now_kb = AnonymousKilobytes();
    uint64_t most = board_->anonymous_kb;
    while (most < now_kb && !board_->anonymous_kb.compare_exchange_weak(most, now_kb)) {
    }
    return *result;
  }

  Board* const board_;
  const std::vector<InputSplit>& splits_;
  const std::string temp_folder_;
  PosixFileSystem fs_;
};

void Wait(const std::vector<pid_t>& children) {
  for (const pid_t child : children) {
    int status = 0;
    PCHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "a process of the benchmark failed";
  }
}

// User and system time of the processes that have been waited for.
double ChildSeconds() {
  rusage usage = {};
  PCHECK(getrusage(RUSAGE_CHILDREN, &usage) == 0);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Makes the host give memory to this machine.
void WarmMemory() {
  if (FLAGS_warm_gib <= 0) return;
  const pid_t child = fork();
  if (child == 0) {
    const auto bytes = static_cast<size_t>(FLAGS_warm_gib * (1 << 30));
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    _exit(memory == MAP_FAILED ? 1 : 0);
  }
  Wait({child});
}

void RunRound(const std::vector<InputSplit>& splits) {
  PosixFileSystem fs;
  CHECK(fs.RemoveTree(FLAGS_scratch_dir).ok());
  CHECK(fs.CreateFolders(FLAGS_scratch_dir).ok());
  void* shared =
      mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  PCHECK(shared != MAP_FAILED);
  auto* board = new (shared) Board();
  CHECK_LE(splits.size(), size_t{Board::kMaxMaps});
  WarmMemory();
  const double start = Now();
  const double cpu_before = ChildSeconds();
  std::vector<pid_t> children;
  for (int number = 0; number < FLAGS_processes; ++number) {
    const pid_t child = fork();
    if (child == 0) {
      BenchProcess(board, splits, number).Run();
      _exit(0);
    }
    children.push_back(child);
  }
  Wait(children);
  const double wall = Now() - start;
  const auto seconds = [](uint64_t us) { return static_cast<double>(us) / 1e6 / FLAGS_processes; };
  std::printf(
      "wall %.3f s  cpu %.3f s  map %.3f  sort+write %.3f  spill merge %.3f  reduce %.3f  commit "
      "%.3f  "
      "idle %.3f  anonymous %.0f MB  runs %.0f MB, %.1f M records\n",
      wall, ChildSeconds() - cpu_before, seconds(board->phase_us[0]), seconds(board->phase_us[1]),
      seconds(board->phase_us[2]), seconds(board->phase_us[3]), seconds(board->phase_us[4]),
      seconds(board->waited_us), static_cast<double>(board->anonymous_kb) / 1024,
      static_cast<double>(board->run_bytes) / 1e6, static_cast<double>(board->run_records) / 1e6);
  std::fflush(stdout);
  munmap(shared, sizeof(Board));
}

int Main(int argc, char** argv) {
  PosixFileSystem fs;
  std::vector<InputFile> files;
  for (int i = 1; i < argc; ++i) {
    const absl::StatusOr<FileInfo> info = fs.Stat(argv[i]);
    CHECK(info.ok()) << info.status();
    files.push_back({argv[i], info->size, info->mtime_ns});
  }
  const std::vector<InputSplit> splits =
      MakeSplits(files, static_cast<uint64_t>(FLAGS_split_mb) << 20, InputFormat::kLines);
  for (int round = 0; round < FLAGS_rounds; ++round) RunRound(splits);
  if (!FLAGS_keep) CHECK(fs.RemoveTree(FLAGS_scratch_dir).ok());
  return 0;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  google::InitGoogleLogging(argv[0]);
  FLAGS_logtostderr = true;
  gflags::SetUsageMessage("engine_bench [FLAGS] FILE...");
  gflags::ParseCommandLineFlags(&argc, &argv, /*remove_flags=*/true);
  return millrace::Main(argc, argv);
}
