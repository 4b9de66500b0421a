#include "worker/engine/combiner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/memory_file_system.h"
#include "storage/run_reader.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

using Pairs = std::vector<std::pair<std::string, std::string>>;

class Values : public ReduceInput {
 public:
  Values(std::string key, std::vector<std::string> values)
      : key_(std::move(key)), values_(std::move(values)) {}
  std::string_view key() const override { return key_; }
  bool done() const override { return next_ == values_.size(); }
  std::string_view value() const override { return values_[next_]; }
  void NextValue() override { ++next_; }

 private:
  const std::string key_;
  const std::vector<std::string> values_;
  size_t next_ = 0;
};

// Counts values, as words do; says how often it was started.
class CountValues : public Reducer {
 public:
  void Start() override { GetCounter("test", "started")->Increment(); }
  void Reduce(ReduceInput& input) override {
    int64_t count = 0;
    for (; !input.done(); input.NextValue()) ++count;
    Emit(count);
  }
};

class Renamer : public Reducer {
 public:
  void Reduce(ReduceInput&) override {
    Emit("1");
    Emit("a\nb", "2");
    Emit("3");
  }
};

class Failing : public Reducer {
 public:
  void Reduce(ReduceInput&) override {
    Fail("no such user");
    Fail("another reason");
    Emit("dropped");
  }
};

// Fails on its first key, and counts how often it is asked.
class FailsOnce : public Reducer {
 public:
  void Reduce(ReduceInput&) override {
    GetCounter("test", "asked")->Increment();
    Fail("no such user");
  }
};

// Calls a function for each key.
class Calling : public Reducer {
 public:
  using Action = std::function<void(ReduceInput&)>;
  explicit Calling(Action action) : action_(std::move(action)) {}
  void Reduce(ReduceInput& input) override { action_(input); }

 private:
  const Action action_;
};

class CombinerTest : public ::testing::Test {
 protected:
  CombinerTest() {
    EXPECT_TRUE(fs_.CreateFolders("/runs").ok());
    writer_ = *RunWriter::Create(&fs_, "/runs/run", Options());
    writer_->BeginPartition(0);
  }

  static RunWriterOptions Options() {
    RunWriterOptions options;
    options.partitions = 2;
    return options;
  }

  template <typename R>
  void Use() {
    Use([] { return std::make_unique<R>(); });
  }
  void UseFunction(const Calling::Action& action) {
    Use([action] { return std::make_unique<Calling>(action); });
  }
  void Use(std::function<std::unique_ptr<Reducer>()> combiner) {
    JobDescription job;
    job.combiner = std::move(combiner);
    job.combiner_lags = lags_;
    combiner_ = std::make_unique<Combiner>(
        job, CombinerContext{&counters_, &hooks_, /*max_record_bytes=*/1 << 20});
  }
  void Combine(const std::string& key, std::vector<std::string> values) {
    Values input(key, std::move(values));
    combiner_->Combine(input, writer_.get());
  }
  Pairs Written() {
    const RunFooter footer = *writer_->Finish();
    auto reader = *RunReader::OpenInRun(&fs_, "/runs/run", footer, 0);
    Pairs pairs;
    while (reader->Next()) pairs.emplace_back(reader->key(), reader->value());
    EXPECT_TRUE(reader->status().ok()) << reader->status();
    return pairs;
  }

  bool lags_ = false;
  MemoryFileSystem fs_;
  CounterSet counters_;
  TaskHooks hooks_;
  std::unique_ptr<RunWriter> writer_;
  std::unique_ptr<Combiner> combiner_;
};

TEST_F(CombinerTest, WritesWhatIsMadeOfEachKey) {
  Use<CountValues>();
  Combine("ant", {"1", "1", "1"});
  Combine("bee", {"1"});
  EXPECT_TRUE(combiner_->status().ok());
  EXPECT_THAT(Written(), ElementsAre(Pair("ant", "3"), Pair("bee", "1")));
}

TEST_F(CombinerTest, EachValueIsProgressAsSoonAsItIsAskedFor) {
  std::vector<uint64_t> progress;
  UseFunction([&](ReduceInput& input) {
    for (; !input.done(); input.NextValue()) progress.push_back(hooks_.moved_records);
  });
  Combine("ant", {"1", "2", "3"});
  Combine("bee", {"4", "5"});
  EXPECT_THAT(progress, ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(CombinerTest, StartsOnceWithTheCountersOfTheAttempt) {
  Use<CountValues>();
  Combine("ant", {"1"});
  Combine("bee", {"1"});
  EXPECT_EQ(counters_.Get("test", "started")->value(), 1);
}

TEST_F(CombinerTest, AnotherKeyFailsTheAttemptAndNamesBoth) {
  Use<Renamer>();
  Combine("ant", {"x"});
  EXPECT_EQ(combiner_->status().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(combiner_->status().message()),
              ::testing::AllOf(HasSubstr("'ant'"), HasSubstr("'a\\nb'")));
  EXPECT_THAT(Written(), ElementsAre(Pair("ant", "1")));  // nothing after the wrong one
}

TEST_F(CombinerTest, TheFirstFailureCountsAndEndsTheWriting) {
  Use<Failing>();
  Combine("ant", {"x"});
  Combine("bee", {"y"});
  EXPECT_EQ(combiner_->status(), absl::AbortedError("no such user"));
  EXPECT_THAT(Written(), IsEmpty());
}

// Writes what it made of its keys in the end.
class AtTheEnd : public Reducer {
 public:
  void Start() override { GetCounter("test", "started")->Increment(); }
  void Reduce(ReduceInput& input) override { keys_.emplace_back(input.key()); }
  void Finish() override {
    for (const std::string& key : keys_) Emit(key, "1");
  }

 private:
  std::vector<std::string> keys_;
};

class AtTheEndTurned : public AtTheEnd {
 public:
  void Finish() override {
    Emit("bee", "1");
    Emit("ant", "1");
  }
};

TEST_F(CombinerTest, OneThatLagsMayWriteAtTheEndOfItsPartitionAndIsMadeAnewForTheNext) {
  lags_ = true;
  Use<AtTheEnd>();
  Combine("ant", {"x", "y"});
  Combine("bee", {"z"});
  combiner_->EndPartition(writer_.get());
  writer_->BeginPartition(1);
  Combine("ape", {"x"});
  combiner_->EndPartition(writer_.get());
  combiner_->EndPartition(writer_.get());  // of a partition without keys
  EXPECT_TRUE(combiner_->status().ok()) << combiner_->status();
  EXPECT_EQ(counters_.Get("test", "started")->value(), 2);
}

TEST_F(CombinerTest, OneThatLagsMustKeepTheOrderOfKeys) {
  lags_ = true;
  Use<AtTheEndTurned>();
  Combine("ant", {"x"});
  combiner_->EndPartition(writer_.get());
  EXPECT_THAT(std::string(combiner_->status().message()),
              HasSubstr("emitted the key 'bee' and then 'ant'"));
  EXPECT_THAT(Written(), ElementsAre(Pair("bee", "1")));
}

TEST_F(CombinerTest, IsNotAskedAgainOnceItHasFailed) {
  Use<FailsOnce>();
  Combine("ant", {"x"});
  Combine("bee", {"y"});
  EXPECT_EQ(counters_.Get("test", "asked")->value(), 1);
}

}  // namespace
}  // namespace millrace
