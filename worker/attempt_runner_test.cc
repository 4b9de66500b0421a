#include "worker/attempt_runner.h"

#include <gtest/gtest.h>

#include <future>

#include "storage/memory_file_system.h"

namespace millrace {
namespace {

// Says when it begins, and waits until it is let go or cancelled.
class GatedMapper : public Mapper {
 public:
  GatedMapper(std::promise<void>* begun, std::shared_future<void> gate)
      : begun_(begun), gate_(std::move(gate)) {}
  void Map(const MapInput&) override {
    begun_->set_value();
    gate_.wait();
  }

 private:
  std::promise<void>* const begun_;
  const std::shared_future<void> gate_;
};

class AttemptRunnerTest : public testing::Test {
 protected:
  AttemptRunnerTest() {
    EXPECT_TRUE(files_.CreateFolders("/temp").ok());
    EXPECT_TRUE(WriteFileAtomically(files_, "/input", "line\n").ok());
    job_.name = "gated";
    job_.allows_map_only = true;
    job_.aggregate = Aggregate::kSum;
    job_.mapper = [this]() {
      return std::make_unique<GatedMapper>(&begun_, gate_.get_future().share());
    };
  }

  ExecutorTask Task() {
    const FileInfo info = *files_.Stat("/input");
    ExecutorTask task;
    task.attempt = AttemptId{Epoch(1), 1};
    task.task = TaskId{JobId(1), 0, 0};
    task.output_path = "/part";
    task.temp_folder = "/temp";
    task.memory_bytes = 64 << 20;
    task.work = InputSplit{FileRange{{"/input", info.size, info.mtime_ns}, 0, info.size}};
    return task;
  }

  MemoryFileSystem files_;
  JobDescription job_;
  std::promise<void> begun_;
  std::promise<void> gate_;
};

TEST_F(AttemptRunnerTest, RunsOneAttemptAtATimeOnItsThread) {
  TaskExecutor executor(job_, &files_, /*cursor_page=*/nullptr);
  AttemptRunner runner(&executor);
  std::promise<AttemptOutcome> ended;
  ASSERT_TRUE(runner.Start(Task(), [&](AttemptOutcome outcome) { ended.set_value(outcome); }));
  begun_.get_future().wait();
  EXPECT_FALSE(runner.Start(Task(), [](AttemptOutcome) { FAIL() << "two at a time"; }));
  EXPECT_EQ(runner.Progress().records, 0u);
  gate_.set_value();
  const AttemptOutcome outcome = ended.get_future().get();
  EXPECT_EQ(outcome.cause, Cause::kSucceeded) << outcome.message;
}

TEST_F(AttemptRunnerTest, ItsEndCancelsWhatRuns) {
  TaskExecutor executor(job_, &files_, /*cursor_page=*/nullptr);
  std::promise<AttemptOutcome> ended;
  {
    AttemptRunner runner(&executor);
    ASSERT_TRUE(runner.Start(Task(), [&](AttemptOutcome outcome) { ended.set_value(outcome); }));
    begun_.get_future().wait();
    gate_.set_value();  // user code that returns can be cancelled
  }
  const Cause cause = ended.get_future().get().cause;
  EXPECT_TRUE(cause == Cause::kCancelled || cause == Cause::kSucceeded);
}

}  // namespace
}  // namespace millrace
