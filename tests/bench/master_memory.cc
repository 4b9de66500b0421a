// The memory of a whole master with a large job: its core and its shells, a journal on disk, and
// real calls to workers that do no work (master/fake_worker.h) in the same process. What is printed
// is the peak of that process, workers and staged parts included; exit 1 if it is beyond its limit.
#include <gflags/gflags.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "master/fake_worker.h"
#include "master/master.h"
#include "master/sqlite_journal.h"
#include "rpc/io_thread.h"
#include "rpc/sha256.h"
#include "rpc/wire.h"
#include "storage/memory_file_system.h"

DEFINE_uint32(workers, 250, "Workers of 4 slots each.");
DEFINE_uint32(maps, 100'000, "Map tasks of the job.");
DEFINE_uint32(reduces, 1000, "Reduce tasks of the job.");
DEFINE_uint32(peak_mib_max, 1024, "Exit 1 if the process takes more memory.");
DEFINE_string(folder, "/dev/shm", "Where a folder is made for the journal, and removed.");
DEFINE_bool(json, false, "Print the figures as one line of JSON.");

namespace millrace {
namespace {

namespace stdfs = std::filesystem;

constexpr size_t kFilesPerCall = 1000;
// Shorter than the time in which a worker must be heard of; longer than the shell's patience.
constexpr kj::Duration kRound = 25 * kj::MILLISECONDS;
constexpr uint32_t kRoundsPerHeartbeat = 100;

double PeakMib() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// A folder of its own, for as long as this lives.
class JournalFolder {
 public:
  JournalFolder() : path_(FLAGS_folder + "/master_memory.XXXXXX") {
    PCHECK(mkdtemp(path_.data()) != nullptr) << path_;
  }
  ~JournalFolder() { stdfs::remove_all(path_); }
  std::string journal() const { return path_ + "/journal"; }
  double MibOnDisk() const {
    uint64_t bytes = 0;
    for (const auto& file : stdfs::directory_iterator(path_)) bytes += file.file_size();
    return static_cast<double>(bytes) / (1 << 20);
  }

 private:
  std::string path_;
};

class Run {
 public:
  Run() {
    Master::Options options;
    options.cluster_id = "0123456789abcdef0123456789abcdef";
    options.started_wall_us = 1'000'000'000;
    options.binaries_folder = "/state/binaries";
    options.host_id = "host-of-master";
    auto journal = SqliteJournal::Open(folder_.journal());
    CHECK(journal.ok()) << journal.status();
    journal_ = *std::move(journal);
    master_ =
        std::make_unique<Master>(Master::Environment{timer_, fs_, *journal_, runner_}, options);
    CHECK(master_->Recover().ok());
    running_ =
        master_->Run().eagerlyEvaluate([](kj::Exception&& e) { LOG(FATAL) << kj::str(e).cStr(); });
    wait_scope_.poll();
  }
  ~Run() {
    running_ = nullptr;
    workers_.clear();
    client_ = nullptr;
    wait_scope_.poll();
  }

  // Whether the job has succeeded.
  bool RunJob() {
    for (uint32_t i = 0; i < FLAGS_workers; ++i) {
      workers_.push_back(std::make_unique<FakeWorker>(wait_scope_, timer_, fs_,
                                                      absl::StrCat("worker", i), /*slots=*/4));
      workers_.back()->set_keeps_sources(false);
      workers_.back()->Join(*master_);
    }
    const JobId job = Submit();
    while (!WorkOneRound(job)) {
    }
    for (int round = 0; round < 3; ++round) PassTime();
    return master_->views().Job(job)->state == JobState::kSucceeded;
  }

  double JournalMib() const { return journal_mib_; }
  const WorkerMail& mail() const { return workers_.front()->mail(); }

 private:
  JobSpec Spec() const {
    JobSpec spec;
    spec.name = "memory";
    spec.request_id = "memory";
    spec.binary.path = "/bin/wordcount";
    spec.binary.sha256 = Sha256Hex("the program");
    spec.binary.size = 11;
    spec.binary.host_id = "host-of-client";
    spec.argv = {"wordcount"};
    spec.split_bytes = 1000;
    spec.reducers = FLAGS_reduces;
    spec.output_folder = "/out";
    for (uint32_t i = 0; i < FLAGS_maps; ++i) {
      spec.inputs.push_back({absl::StrCat("/shared/input/folder/part-", i), 1000, 1});
    }
    return spec;
  }

  JobId Submit() {
    kj::TwoWayPipe pipe = kj::newTwoWayPipe();
    master_->Accept({Role::kClient, "somebody:1"}, kj::mv(pipe.ends[0]));
    client_ = kj::heap<Connection>(kj::mv(pipe.ends[1]), capnp::rpc::twoparty::Side::CLIENT,
                                   nullptr, "the master");
    const JobSpec spec = Spec();
    auto begin = client_->Peer().castAs<capnp_master::Jobs>().beginRequest();
    Write(spec, begin.initSpec());
    auto submission = begin.send().wait(wait_scope_).getResult().getSubmission();
    for (size_t first = 0; first < spec.inputs.size(); first += kFilesPerCall) {
      auto add = submission.addInputsRequest();
      auto files = add.initFiles(std::min(kFilesPerCall, spec.inputs.size() - first));
      for (size_t i = 0; i < files.size(); ++i) Write(spec.inputs[first + i], files[i]);
      add.send().ignoreResult().wait(wait_scope_);
    }
    auto jobs = client_->Peer().castAs<capnp_master::Jobs>();
    auto commit = jobs.callRequest();
    commit.initHeader().setSession(jobs.openRequest().send().wait(wait_scope_).getSession());
    commit.getHeader().setSequence(1);
    commit.setRequest(kj::StringPtr(spec.request_id.c_str()).asBytes());
    const auto committed = commit.send().wait(wait_scope_);
    CHECK(committed.getOutcome().isReply()) << "refused";
    return master_->core().JobOfRequest(spec.request_id);
  }

  // Whether the job has ended.
  bool WorkOneRound(JobId job) {
    for (auto& worker : workers_) worker->Step();
    if (++round_ % kRoundsPerHeartbeat == 0) {
      for (auto& worker : workers_) worker->Heartbeat();
    }
    journal_mib_ = std::max(journal_mib_, folder_.MibOnDisk());
    PassTime();
    return master_->views().Job(job)->state >= JobState::kSucceeded;
  }

  void PassTime() {
    timer_.advanceTo(timer_.now() + kRound);
    wait_scope_.poll();
  }

  JournalFolder folder_;
  kj::EventLoop loop_;
  kj::WaitScope wait_scope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  MemoryFileSystem fs_;
  std::unique_ptr<SqliteJournal> journal_;
  InlineRunner runner_;
  std::unique_ptr<Master> master_;
  kj::Own<Connection> client_;
  std::vector<std::unique_ptr<FakeWorker>> workers_;
  kj::Promise<void> running_ = nullptr;
  uint32_t round_ = 0;
  double journal_mib_ = 0;
};

int Main() {
  Run run;
  const bool succeeded = run.RunJob();
  const double peak = PeakMib();
  const bool fits = peak <= FLAGS_peak_mib_max;
  const WorkerMail& mail = run.mail();
  if (FLAGS_json) {
    std::printf(
        "{\"workers\": %u, \"maps\": %u, \"reduces\": %u, \"peak_mib\": %.0f, \"limit_mib\": %u, "
        "\"journal_mib\": %.1f, \"news_mib\": %.2f, \"news_calls\": %llu, \"largest_kib\": %.1f}\n",
        FLAGS_workers, FLAGS_maps, FLAGS_reduces, peak, FLAGS_peak_mib_max, run.JournalMib(),
        static_cast<double>(mail.news_bytes) / (1 << 20),
        static_cast<unsigned long long>(mail.news_calls),
        static_cast<double>(mail.largest_news_bytes) / 1024);
  } else {
    std::printf("%u maps, %u reduces, %u workers: %s, %.1f s of CPU\n", FLAGS_maps, FLAGS_reduces,
                FLAGS_workers, succeeded ? "done" : "NOT DONE", CpuSeconds());
    std::printf("peak of the process: %.0f MiB (limit %u)\n", peak, FLAGS_peak_mib_max);
    std::printf("journal on disk: %.1f MiB\n", run.JournalMib());
    std::printf(
        "sources: %.2f MiB for one worker, in %llu calls of at most %.1f KiB, one at a time\n",
        static_cast<double>(mail.news_bytes) / (1 << 20),
        static_cast<unsigned long long>(mail.news_calls),
        static_cast<double>(mail.largest_news_bytes) / 1024);
  }
  if (!fits) std::fputs("master_memory: the master takes more memory than it may\n", stderr);
  return succeeded && fits ? 0 : 1;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  gflags::SetUsageMessage("the memory of a master with a large job");
  gflags::ParseCommandLineFlags(&argc, &argv, /*remove_flags=*/true);
  FLAGS_minloglevel = 1;
  google::InitGoogleLogging(argv[0]);
  return millrace::Main();
}
