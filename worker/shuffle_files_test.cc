// How many files and connections it takes to reduce the outputs of a thousand maps: few, and no
// more than for a hundred. Counted in /proc/self/fd, with real sockets and files, both ends in this
// process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rpc/acceptor.h"
#include "storage/paths.h"
#include "storage/posix_file_system.h"
#include "storage/run_writer.h"
#include "worker/engine/merge_down.h"
#include "worker/engine/reduce_runner.h"
#include "worker/shuffle_fetcher.h"
#include "worker/shuffle_server.h"
#include "worker/testdata/holding_runner.h"

namespace millrace {
namespace {

constexpr JobId kJob(1);
constexpr TaskId kReduce{kJob, 1, 0};
constexpr uint32_t kMaps = 1000;
constexpr uint32_t kHolders = 8;
constexpr int kRecords = 3;
constexpr size_t kValueBytes = 100;
// A partition that does not come with the answer to `open`: its file stays open while it is
// fetched. Every ninth is so large, so that each holder has some.
constexpr size_t kLargeValueBytes = 30'000;
static_assert(kRecords * kLargeValueBytes > kSmallPartitionBytes);
bool IsLarge(uint32_t map_index) { return map_index % (kHolders + 1) == 0; }

size_t OpenDescriptors() {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    static_cast<void>(entry);
    ++count;
  }
  return count;
}

// The most that was open at any time at which somebody looked.
size_t most_open = 0;
void LookAtDescriptors() { most_open = std::max(most_open, OpenDescriptors()); }

class LookingReducer : public Reducer {
 public:
  void Reduce(ReduceInput& input) override {
    LookAtDescriptors();  // all sources are open
    while (!input.done()) input.NextValue();
  }
};

class NoMapper : public Mapper {
 public:
  void Map(const MapInput&) override {}
};

// A worker that holds map outputs: a port, and a scratch folder.
struct Holder {
  WorkerId id;
  std::string scratch_folder;
  kj::Own<Acceptor> acceptor;
  kj::Promise<void> accepting = nullptr;
  std::deque<kj::Own<Connection>> connections;
};

class ShuffleFilesTest : public testing::Test {
 protected:
  ShuffleFilesTest() : folder_(testing::TempDir() + "/shuffle_files") {
    std::filesystem::remove_all(folder_);
    EXPECT_TRUE(fs_.CreateFolders(folder_ + "/mine").ok());
    for (uint32_t i = 0; i < kHolders; ++i) AddHolder(WorkerId(i + 1));
    io_thread_.on_work = LookAtDescriptors;
  }
  ~ShuffleFilesTest() noexcept override { std::filesystem::remove_all(folder_); }

  void AddHolder(WorkerId id) {
    holders_.push_back(std::make_unique<Holder>());
    Holder& holder = *holders_.back();
    holder.id = id;
    holder.scratch_folder = folder_ + "/" + ToString(id);
    auto address = io_.provider->getNetwork().parseAddress("127.0.0.1:0").wait(io_.waitScope);
    holder.acceptor = kj::heap<Acceptor>(
        timer_, address->listen(), ConnectionOptions(), std::vector<Role>{Role::kFetcher},
        [this, &holder](PeerInfo, kj::Own<kj::AsyncIoStream> stream) {
          holder.connections.push_back(
              kj::heap<Connection>(kj::mv(stream), capnp::rpc::twoparty::Side::SERVER,
                                   capnp_worker::Shuffle::Client(kj::heap<ShuffleServer>(
                                       fs_, io_thread_, holder.scratch_folder, calls_)),
                                   "fetcher"));
        });
    holder.accepting = holder.acceptor->Run().eagerlyEvaluate(nullptr);
  }

  MapSource MakeOutput(uint32_t map_index) {
    const Holder& holder = *holders_[map_index % kHolders];
    const TaskId task{kJob, 0, map_index};
    const AttemptId attempt{Epoch(1), map_index + 1};
    const std::string path = MapOutputPath(holder.scratch_folder, task, attempt);
    EXPECT_TRUE(fs_.CreateFolders(FolderOf(path)).ok());
    RunWriterOptions options;
    options.maker = RunMaker{1, attempt.sequence, kJob.value(), 0, map_index};
    auto writer = RunWriter::Create(&fs_, path, options);
    EXPECT_TRUE(writer.ok()) << writer.status();
    (*writer)->BeginPartition(0);
    const std::string value(IsLarge(map_index) ? kLargeValueBytes : kValueBytes, 'v');
    for (int i = 0; i < kRecords; ++i) (*writer)->Add(std::to_string(i), value);
    const absl::StatusOr<RunFooter> footer = (*writer)->Finish();
    EXPECT_TRUE(footer.ok()) << footer.status();
    return MapSource{map_index, attempt, holder.id, footer->digest, TaskId()};
  }

  void Fetch(const std::vector<MapSource>& sources) {
    std::map<WorkerId, ShuffleAddress> addresses;
    for (const auto& holder : holders_) {
      const std::string address = "127.0.0.1:" + std::to_string(holder->acceptor->port());
      addresses[holder->id] = {holder->id, address, "another host", holder->scratch_folder};
    }
    ShuffleFetcherOptions options;
    options.reduce = kReduce;
    options.map_count = kMaps;
    options.attempt_folder = folder_ + "/mine";
    options.plan.mode = ShuffleMode::kNetwork;
    fetcher_ = kj::heap<ShuffleFetcher>(ShuffleFetcher::Host{timer_, fs_, io_thread_, peers_},
                                        options, [this]() {
                                          if (changed_.get() != nullptr) changed_->fulfill();
                                        });
    fetcher_->Publish(1, sources, addresses);
    while (!fetcher_->plan().ready() && !fetcher_->plan().failure().has_value()) {
      auto change = kj::newPromiseAndFulfiller<void>();
      changed_ = kj::mv(change.fulfiller);
      change.promise.wait(io_.waitScope);
    }
  }

  absl::StatusOr<TaskResult> Reduce() {
    JobDescription job;
    job.name = "job";
    job.mapper = [] { return std::make_unique<NoMapper>(); };
    job.reducer = [] { return std::make_unique<LookingReducer>(); };
    ReduceTask task;
    task.task = kReduce;
    task.attempt = AttemptId{Epoch(1), kMaps + 1};
    task.sources = fetcher_->plan().Sources();
    task.output_path = folder_ + "/part";
    task.temp_folder = folder_ + "/mine";
    ReduceRunnerOptions options;
    options.memory_bytes = uint64_t{1} << 30;
    TaskHooks hooks;
    return ReduceRunner(job, &fs_, options).Run(task, hooks);
  }

  const std::string folder_;
  PosixFileSystem fs_;
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  kj::Timer& timer_ = io_.provider->getTimer();
  HoldingRunner io_thread_;
  CallScope calls_;
  std::vector<std::unique_ptr<Holder>> holders_;
  PeerPool peers_{io_.provider->getNetwork(), timer_, ConnectionOptions(), PeerPatience()};
  kj::Own<kj::PromiseFulfiller<void>> changed_;
  kj::Own<ShuffleFetcher> fetcher_;
};

TEST_F(ShuffleFilesTest, AReduceOfAThousandMapsFetchesWithAFewFilesAndOneConnectionToEachHolder) {
  std::vector<MapSource> sources;
  for (uint32_t i = 0; i < kMaps; ++i) sources.push_back(MakeOutput(i));
  const size_t before = OpenDescriptors();
  most_open = 0;
  Fetch(sources);
  ASSERT_TRUE(fetcher_->plan().ready()) << fetcher_->plan().failure()->message;
  ASSERT_EQ(fetcher_->plan().Sources().size(), kMaps);
  size_t connections = 0;
  for (const auto& holder : holders_) connections += holder->connections.size();
  EXPECT_EQ(connections, kHolders);
  // Of a connection both ends are here, and so are a fetch's file and the one that is served.
  const size_t fetches = FetchPlanOptions().max_fetches;
  EXPECT_LE(most_open, before + 2 * kHolders + 2 * fetches);
  EXPECT_GT(most_open, before + 2 * kHolders) << "or nobody has looked";

  const size_t idle = OpenDescriptors();
  most_open = 0;
  const absl::StatusOr<TaskResult> result = Reduce();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->stats.input_records, uint64_t{kMaps} * kRecords);
  EXPECT_LE(most_open, idle + OpenSourcesMax() + 1) << "and the part";
  EXPECT_GT(most_open, idle + OpenSourcesMax() / 2);
}

}  // namespace
}  // namespace millrace
