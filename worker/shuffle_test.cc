// Shuffle server and fetcher together, over real connections on loopback and files in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>

#include <deque>
#include <set>

#include "rpc/acceptor.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"
#include "storage/memory_file_system.h"
#include "storage/paths.h"
#include "storage/run_reader.h"
#include "storage/run_writer.h"
#include "worker/shuffle_fetcher.h"
#include "worker/shuffle_server.h"
#include "worker/testdata/holding_runner.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

constexpr JobId kJob(1);
constexpr TaskId kReduce{kJob, 1, 1};  // partition 1
constexpr WorkerId kPeer(2);

class ShuffleTest : public testing::Test {
 protected:
  ShuffleTest() {
    auto address = io_.provider->getNetwork().parseAddress("127.0.0.1:0").wait(io_.waitScope);
    acceptor_ = kj::heap<Acceptor>(
        timer_, address->listen(), ConnectionOptions(), std::vector<Role>{Role::kFetcher},
        [this](PeerInfo, kj::Own<kj::AsyncIoStream> stream) { Serve(kj::mv(stream)); });
    accepting_ = acceptor_->Run().eagerlyEvaluate(nullptr);
    EXPECT_TRUE(file_system_.CreateFolders("/mine").ok());
  }
  ~ShuffleTest() noexcept override {}

  void Serve(kj::Own<kj::AsyncIoStream> stream) {
    ++connections_;
    served_.push_back(kj::heap<Connection>(kj::mv(stream), capnp::rpc::twoparty::Side::SERVER,
                                           capnp_worker::Shuffle::Client(kj::heap<ShuffleServer>(
                                               file_system_, io_thread_, "/peer", calls_)),
                                           "fetcher"));
  }

  // The output of a map on the peer: `keys` records in partition 1, none in partition 0.
  MapSource MakeRun(uint32_t map_index, uint64_t attempt, int keys) {
    const TaskId task{kJob, 0, map_index};
    const AttemptId id{Epoch(1), attempt};
    return MakeRunAt(MapOutputPath("/peer", task, id), task, id, keys);
  }
  MapSource MakeRunAt(const std::string& path, const TaskId& task, const AttemptId& id, int keys) {
    EXPECT_TRUE(file_system_.CreateFolders(FolderOf(path)).ok());
    RunWriterOptions options;
    options.maker = RunMaker{1, id.sequence, kJob.value(), 0, task.index};
    options.format.value_kind = ValueKind::kInt64;
    options.partitions = 2;
    auto writer = RunWriter::Create(&file_system_, path, options);
    EXPECT_TRUE(writer.ok()) << writer.status();
    (*writer)->BeginPartition(1);
    for (int i = 0; i < keys; ++i) (*writer)->Add(Key(i), i);
    const absl::StatusOr<RunFooter> footer = (*writer)->Finish();
    EXPECT_TRUE(footer.ok()) << footer.status();
    return MapSource{task.index, id, kPeer, footer->digest};
  }
  // Long enough for a few thousand of them to need several chunks.
  static std::string Key(int i) {
    std::string digits = std::to_string(i);
    return std::string(500 - digits.size(), '0') + digits;
  }

  static PeerPatience LittlePatience() {
    PeerPatience patience;
    patience.dial_timeout = patience.dialling = 5 * kj::MILLISECONDS;
    patience.backoff = BackoffOptions{1 * kj::MILLISECONDS, 1 * kj::MILLISECONDS};
    return patience;
  }

  void Begin(uint32_t maps, ShuffleMode mode = ShuffleMode::kNetwork, bool kept = false) {
    BeginWith(peers_, maps, mode, kept);
  }
  void BeginWith(PeerPool& peers, uint32_t maps, ShuffleMode mode = ShuffleMode::kNetwork,
                 bool kept = false) {
    ShuffleFetcherOptions options;
    options.reduce = kReduce;
    options.map_count = maps;
    options.attempt_folder = "/mine";
    options.plan.mode = mode;
    options.plan.host_id = "one host";
    options.plan.kept = kept;
    options.kept_folder = "/kept";
    options.backoff = BackoffOptions{1 * kj::MICROSECONDS, 1 * kj::MICROSECONDS};
    fetcher_ = kj::heap<ShuffleFetcher>(
        ShuffleFetcher::Host{timer_, file_system_, io_thread_, peers}, options, [this]() {
          if (changed_.get() != nullptr) changed_->fulfill();
        });
  }

  void Publish(const std::vector<MapSource>& sources) {
    const std::string address = "127.0.0.1:" + std::to_string(acceptor_->port());
    PublishAt(address, sources);
  }
  void PublishAt(const std::string& address, const std::vector<MapSource>& sources) {
    fetcher_->Publish(++version_, sources,
                      {{kPeer, ShuffleAddress{kPeer, address, "one host", "/peer"}}});
  }

  // Runs until the fetcher is ready or has failed.
  void RunFetcher() {
    while (!fetcher_->plan().ready() && !fetcher_->plan().failure().has_value()) AwaitChange();
  }
  void AwaitChange() {
    auto paf = kj::newPromiseAndFulfiller<void>();
    changed_ = kj::mv(paf.fulfiller);
    paf.promise.wait(io_.waitScope);
  }

  // How many records the source holds, all of them checked.
  int ReadRecords(const ReduceSource& source) {
    absl::StatusOr<std::unique_ptr<RunReader>> reader =
        RunReader::OpenFetched(&file_system_, source.path, source.expected, source.format);
    if (!reader.ok()) ADD_FAILURE() << reader.status();
    int records = 0;
    while ((*reader)->Next()) {
      EXPECT_EQ((*reader)->key(), Key(records));
      EXPECT_EQ((*reader)->number(), records);
      ++records;
    }
    EXPECT_TRUE((*reader)->status().ok()) << (*reader)->status();
    return records;
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  kj::Timer& timer_ = io_.provider->getTimer();
  MemoryFileSystem file_system_;
  HoldingRunner io_thread_;
  kj::Own<Acceptor> acceptor_;
  CallScope calls_;
  std::deque<kj::Own<Connection>> served_;
  int connections_ = 0;
  kj::Promise<void> accepting_ = nullptr;
  PeerPool peers_{io_.provider->getNetwork(), timer_, ConnectionOptions(), PeerPatience()};
  // For tests that wait for a peer in vain.
  PeerPool hasty_peers_{io_.provider->getNetwork(), timer_, ConnectionOptions(), LittlePatience()};
  uint64_t version_ = 0;
  kj::Own<kj::PromiseFulfiller<void>> changed_;
  kj::Own<ShuffleFetcher> fetcher_;
};

TEST_F(ShuffleTest, PartitionsOfManyChunksArriveWhole) {
  Begin(/*maps=*/6);
  std::vector<MapSource> sources;
  for (uint32_t i = 0; i < 6; ++i) sources.push_back(MakeRun(i, i + 1, 12'000));  // 6 MB each
  Publish(sources);
  RunFetcher();
  ASSERT_TRUE(fetcher_->plan().ready());
  ASSERT_EQ(fetcher_->plan().Sources().size(), 6u);
  for (const ReduceSource& source : fetcher_->plan().Sources()) {
    EXPECT_FALSE(source.whole_run);
    EXPECT_EQ(ReadRecords(source), 12'000);
  }
  EXPECT_GT(fetcher_->plan().bytes(), 36'000'000u);
  EXPECT_EQ(connections_, 1) << "one connection to a peer serves all fetches";
}

TEST_F(ShuffleTest, WhatHasArrivedOfAPartitionIsAStep) {
  Begin(/*maps=*/1);
  Publish({MakeRun(0, 1, 12'000)});  // 6 MB
  std::set<uint64_t> steps;          // that are seen before it is complete
  io_thread_.on_work = [&]() { steps.insert(fetcher_->steps()); };
  RunFetcher();
  EXPECT_GE(steps.size(), 6u) << "at nothing, and at each chunk of a megabyte";
  EXPECT_EQ(fetcher_->steps(), fetcher_->plan().bytes() + 1);
}

TEST_F(ShuffleTest, ASourceThatNeedsNoFetchIsAStepEvenIfItIsEmpty) {
  Begin(/*maps=*/2, ShuffleMode::kAuto);
  Publish({MakeRun(0, 1, 0), MakeRun(1, 2, 10)});
  RunFetcher();
  EXPECT_EQ(fetcher_->steps(), 2u);
}

TEST_F(ShuffleTest, AnEmptyPartitionNeedsNoFile) {
  Begin(/*maps=*/1);
  Publish({MakeRun(0, 1, 0)});
  RunFetcher();
  EXPECT_TRUE(fetcher_->plan().ready());
  EXPECT_TRUE(fetcher_->plan().Sources().empty());
  EXPECT_TRUE(file_system_.List("/mine")->empty());
}

TEST_F(ShuffleTest, AFileOfThisHostIsReadInPlace) {
  Begin(/*maps=*/1, ShuffleMode::kAuto);
  Publish({MakeRun(0, 1, 10)});
  RunFetcher();
  ASSERT_EQ(fetcher_->plan().Sources().size(), 1u);
  EXPECT_TRUE(fetcher_->plan().Sources()[0].whole_run);
  EXPECT_EQ(connections_, 0);
}

TEST_F(ShuffleTest, AnOutputOfAnEarlierJobIsReadWhereThatJobLeftIt) {
  for (const ShuffleMode mode : {ShuffleMode::kNetwork, ShuffleMode::kAuto}) {
    Begin(/*maps=*/1, mode);
    const MapSource made = MakeRun(/*map_index=*/7, 1, 10);
    MapSource source = made;
    source.map_index = 0;
    source.made_for = TaskId{kJob, 0, 7};
    Publish({source});
    RunFetcher();
    ASSERT_TRUE(fetcher_->plan().ready());
    ASSERT_EQ(fetcher_->plan().Sources().size(), 1u);
    EXPECT_EQ(fetcher_->plan().Sources()[0].map_index, 0u);
    EXPECT_EQ(fetcher_->plan().Sources()[0].attempt, made.attempt);
  }
}

TEST_F(ShuffleTest, AFileWithAnotherDigestIsNotReadInPlace) {
  Begin(/*maps=*/1, ShuffleMode::kAuto);
  MapSource source = MakeRun(0, 1, 10);
  source.digest.low ^= 1;
  Publish({source});
  RunFetcher();
  EXPECT_EQ(connections_, 1);
}

// A job that keeps its outputs; nobody serves any.
class KeptShuffleTest : public ShuffleTest {
 protected:
  KeptShuffleTest() { Begin(/*maps=*/1, ShuffleMode::kNetwork, /*kept=*/true); }

  MapSource Keep() { return MakeRunAt(PathOf(kAttempt), kMap, kAttempt, 10); }
  static std::string PathOf(const AttemptId& attempt) {
    return KeptOutputPath("/kept", kMap, attempt);
  }
  void PublishWithoutAddress(const MapSource& source) {
    fetcher_->Publish(++version_, {source}, {});
    RunFetcher();
  }

  static constexpr TaskId kMap{kJob, 0, 0};
  static constexpr AttemptId kAttempt{Epoch(1), 1};
};

TEST_F(KeptShuffleTest, AKeptOutputIsReadInPlaceThoughItsMakerIsGone) {
  PublishWithoutAddress(Keep());
  ASSERT_EQ(fetcher_->plan().Sources().size(), 1u);
  EXPECT_EQ(fetcher_->plan().Sources()[0].path, PathOf(kAttempt));
  EXPECT_EQ(connections_, 0);
}

TEST_F(KeptShuffleTest, AKeptOutputThatIsNotThereIsNamed) {
  const MapSource source = Keep();
  ASSERT_TRUE(file_system_.RemoveFile(PathOf(kAttempt)).ok());
  PublishWithoutAddress(source);
  ASSERT_TRUE(fetcher_->plan().failure().has_value());
  EXPECT_THAT(fetcher_->plan().failure()->message, HasSubstr(PathOf(kAttempt)));
  EXPECT_EQ(connections_, 0);
}

TEST_F(KeptShuffleTest, AKeptOutputThatIsNotWhatWasReportedIsNamed) {
  MapSource source = Keep();
  source.digest.low ^= 1;
  PublishWithoutAddress(source);
  EXPECT_THAT(fetcher_->plan().failure()->message, HasSubstr("is not what its attempt reported"));
}

TEST_F(KeptShuffleTest, AnIoThreadThatIsFullIsAskedAgain) {
  const MapSource source = Keep();
  io_thread_.full = 2;
  PublishWithoutAddress(source);
  EXPECT_TRUE(fetcher_->plan().ready());
}

TEST_F(ShuffleTest, AMissingOutputIsNamed) {
  Begin(/*maps=*/2);
  const MapSource missing = MakeRun(1, 2, 10);
  ASSERT_TRUE(
      file_system_.RemoveFile(MapOutputPath("/peer", TaskId{kJob, 0, 1}, missing.attempt)).ok());
  Publish({MakeRun(0, 1, 10), missing});
  RunFetcher();
  ASSERT_TRUE(fetcher_->plan().failure().has_value());
  EXPECT_EQ(fetcher_->plan().failure()->source.map_index, 1u);
  EXPECT_THAT(fetcher_->plan().failure()->message,
              HasSubstr("the output of map task 1 (attempt-1-2 on worker-2) cannot be read"));
}

TEST_F(ShuffleTest, AnOutputThatAnotherAttemptMadeIsNotServed) {
  Begin(/*maps=*/1);
  const MapSource made = MakeRun(0, 1, 10);
  MapSource claimed = made;
  claimed.attempt.sequence = 9;
  const TaskId task{kJob, 0, 0};
  ASSERT_TRUE(file_system_
                  .Rename(MapOutputPath("/peer", task, made.attempt),
                          MapOutputPath("/peer", task, claimed.attempt))
                  .ok());
  Publish({claimed});
  RunFetcher();
  EXPECT_THAT(fetcher_->plan().failure()->message, HasSubstr("was not made by attempt-1-9"));
}

TEST_F(ShuffleTest, APeerThatRefusesIsTriedForAWhileAndThenNamed) {
  BeginWith(hasty_peers_, /*maps=*/1);
  PublishAt("127.0.0.1:1", {MakeRun(0, 1, 10)});
  RunFetcher();
  EXPECT_THAT(fetcher_->plan().failure()->message,
              testing::AllOf(HasSubstr("127.0.0.1:1"), HasSubstr("(tried for ")));
  EXPECT_TRUE(fetcher_->plan().failure()->unreachable);
}

// Its kernel takes connections, and nobody answers on them.
TEST_F(ShuffleTest, APeerThatNeverAnswersIsOutOfReachAndNothingIsSaidOfItsOutputs) {
  accepting_ = nullptr;
  BeginWith(hasty_peers_, /*maps=*/2);
  Publish({MakeRun(0, 1, 10), MakeRun(1, 2, 10)});
  RunFetcher();
  EXPECT_TRUE(fetcher_->plan().failure()->unreachable);
  EXPECT_THAT(fetcher_->plan().failure()->message, HasSubstr("no answer within"));
}

TEST_F(ShuffleTest, AFetchGoesOnFromTheNewPlaceWhenItsSourceMoves) {
  Begin(/*maps=*/1);
  PublishAt("127.0.0.1:1", {MakeRun(0, 1, 10)});
  AwaitChange();
  Publish({MakeRun(0, 2, 10)});
  RunFetcher();
  ASSERT_TRUE(fetcher_->plan().ready());
  EXPECT_EQ(fetcher_->plan().Sources()[0].attempt, (AttemptId{Epoch(1), 2}));
}

TEST_F(ShuffleTest, ABrokenConnectionIsMadeAnew) {
  Begin(/*maps=*/2);
  Publish({MakeRun(0, 1, 10)});
  while (fetcher_->plan().bytes() == 0) AwaitChange();
  served_.clear();  // the peer's end of the connection
  Publish({MakeRun(1, 2, 10)});
  RunFetcher();
  EXPECT_TRUE(fetcher_->plan().ready());
  EXPECT_EQ(connections_, 2);
}

TEST_F(ShuffleTest, AFetchCanBeAbandonedAnywhere) {
  for (int turns = 0; turns < 40; ++turns) {
    Begin(/*maps=*/1);
    Publish({MakeRun(0, 1, 5000)});
    for (int i = 0; i < turns; ++i) kj::evalLast([]() {}).wait(io_.waitScope);
    fetcher_ = nullptr;
  }
}

TEST_F(ShuffleTest, AnEmptyPartitionOfThisHostIsNotReadAgain) {
  Begin(/*maps=*/2, ShuffleMode::kAuto);
  Publish({MakeRun(0, 1, 0), MakeRun(1, 2, 10)});
  RunFetcher();
  ASSERT_EQ(fetcher_->plan().Sources().size(), 1u);
  EXPECT_EQ(fetcher_->plan().Sources()[0].map_index, 1u);
  EXPECT_EQ(connections_, 0);
}

// A server without a connection, asked for partition 1 of map task 0.
class ShuffleServerTest : public ShuffleTest {
 protected:
  ~ShuffleServerTest() noexcept override {}

  auto Open(const MapSource& source) {
    auto open = server_.openRequest();
    Write(TaskId{kJob, 0, 0}, open.initTask());
    Write(source.attempt, open.initAttempt());
    open.setPartition(1);
    return open.send();
  }
  template <typename Call>
  static kj::Promise<absl::Status> StatusOf(Call call) {
    return call.ignoreResult().then([]() { return absl::OkStatus(); },
                                    [](kj::Exception&& e) { return ToStatus(e); });
  }

  capnp_worker::Shuffle::Client server_ =
      kj::heap<ShuffleServer>(file_system_, io_thread_, "/peer", calls_);
};

TEST_F(ShuffleServerTest, ASmallPartitionComesWithTheAnswer) {
  auto small = Open(MakeRun(0, 1, 10)).wait(io_.waitScope);
  EXPECT_FALSE(small.getResult().getPartition().hasReader());
  EXPECT_GT(small.getResult().getPartition().getBytes().size(), 5000u);
  auto large = Open(MakeRun(0, 2, 1000)).wait(io_.waitScope);
  EXPECT_TRUE(large.getResult().getPartition().hasReader());
  EXPECT_EQ(large.getResult().getPartition().getBytes().size(), 0u);
}

TEST_F(ShuffleServerTest, APeerCanMakeItOpenOnlySoMany) {
  const MapSource source = MakeRun(0, 1, 10);
  io_thread_.hold = true;
  std::deque<kj::Promise<absl::Status>> opens;
  for (int i = 0; i < ShuffleServer::kMaxOpenPartitions; ++i) {
    opens.push_back(StatusOf(Open(source)));
  }
  const absl::Status busy = StatusOf(Open(source)).wait(io_.waitScope);
  EXPECT_EQ(busy.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(io_thread_.held.size(), opens.size());
}

TEST_F(ShuffleServerTest, APeerCanMakeItReadOnlySoMuch) {
  auto opened = Open(MakeRun(0, 1, 1000)).wait(io_.waitScope);
  auto reader = opened.getResult().getPartition().getReader();
  const auto read = [&](uint32_t length) {
    auto request = reader.readRequest();
    request.setOffset(0);
    request.setLength(length);
    return StatusOf(request.send());
  };
  EXPECT_TRUE(read(100).wait(io_.waitScope).ok());
  EXPECT_THAT(std::string(read(kShuffleChunkBytes + 1).wait(io_.waitScope).message()),
              HasSubstr("more than 1 MiB"));
  io_thread_.hold = true;
  std::deque<kj::Promise<absl::Status>> reads;
  for (int i = 0; i < ShuffleServer::kMaxReads; ++i) reads.push_back(read(100));
  const absl::Status busy = read(100).wait(io_.waitScope);
  EXPECT_EQ(busy.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(io_thread_.held.size(), static_cast<size_t>(ShuffleServer::kMaxReads));
}

}  // namespace
}  // namespace millrace
