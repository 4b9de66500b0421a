#include "worker/executor_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace millrace {
namespace {

using ::testing::ElementsAre;

// Remembers which executors live; "job-1#2" is the second one ever started, for job 1.
class RecordingFactory final : public ExecutorFactory {
 public:
  absl::StatusOr<kj::Own<Executor>> Start(const ExecutorCommand& command) override {
    if (fail_next) return absl::NotFoundError("no such program");
    const std::string name = command.binary_path + "#" + std::to_string(++started_);
    living.push_back(name);
    return kj::Own<Executor>(kj::heap<Recorded>(*this, name));
  }

  bool fail_next = false;
  std::vector<std::string> living;

 private:
  class Recorded final : public Executor {
   public:
    Recorded(RecordingFactory& factory, std::string name) : factory_(factory), name_(name) {}
    ~Recorded() noexcept(false) override {
      auto& living = factory_.living;
      living.erase(std::find(living.begin(), living.end(), name_));
    }
    kj::Promise<AttemptOutcome> Run(const ExecutorTask&) override { return kj::NEVER_DONE; }
    kj::Promise<AttemptProgress> Progress() override { return AttemptProgress(); }
    AttemptLog Log() override { return AttemptLog(); }
    void Kill() override { alive_ = false; }
    bool alive() const override { return alive_; }

   private:
    RecordingFactory& factory_;
    const std::string name_;
    bool alive_ = true;
  };

  int started_ = 0;
};

constexpr JobId kFirst(1);
constexpr JobId kSecond(2);

class ExecutorPoolTest : public testing::Test {
 protected:
  ~ExecutorPoolTest() noexcept override = default;

  kj::Own<Executor> Take(JobId job) {
    ExecutorCommand command;
    command.binary_path = ToString(job);
    auto executor = pool_.Take(job, command);
    EXPECT_TRUE(executor.ok()) << executor.status();
    return kj::mv(*executor);
  }

  RecordingFactory factory_;
  ExecutorPool pool_{factory_, /*slots=*/2};
};

TEST_F(ExecutorPoolTest, AnIdleExecutorIsUsedAgainForItsJob) {
  pool_.GiveBack(kFirst, Take(kFirst));
  kj::Own<Executor> again = Take(kFirst);
  EXPECT_THAT(factory_.living, ElementsAre("job-1#1"));
  pool_.GiveBack(kFirst, kj::mv(again));
}

TEST_F(ExecutorPoolTest, AnotherJobTakesTheSlotOfTheOneIdleForLongest) {
  kj::Own<Executor> one = Take(kFirst);
  kj::Own<Executor> two = Take(kFirst);
  pool_.GiveBack(kFirst, kj::mv(two));
  pool_.GiveBack(kFirst, kj::mv(one));
  kj::Own<Executor> other = Take(kSecond);
  EXPECT_THAT(factory_.living, ElementsAre("job-1#1", "job-2#3"));
  pool_.GiveBack(kSecond, kj::mv(other));
}

TEST_F(ExecutorPoolTest, BusyAndIdleOnesNeverOutnumberTheSlots) {
  kj::Own<Executor> one = Take(kFirst);
  kj::Own<Executor> two = Take(kFirst);
  kj::Own<Executor> three = Take(kSecond);  // a third attempt while two are about to end
  pool_.GiveBack(kFirst, kj::mv(one));
  EXPECT_THAT(factory_.living, ElementsAre("job-1#2", "job-2#3"));
  pool_.GiveBack(kFirst, kj::mv(two));
  EXPECT_EQ(pool_.busy() + pool_.idle(), 2u);
  pool_.GiveBack(kSecond, kj::mv(three));
}

TEST_F(ExecutorPoolTest, ADeadExecutorIsNotUsedAgain) {
  kj::Own<Executor> one = Take(kFirst);
  one->Kill();
  pool_.GiveBack(kFirst, kj::mv(one));
  EXPECT_THAT(factory_.living, ElementsAre());
}

TEST_F(ExecutorPoolTest, TheEndOfAJobEndsItsIdleExecutors) {
  kj::Own<Executor> one = Take(kFirst);
  pool_.GiveBack(kSecond, Take(kSecond));
  pool_.GiveBack(kFirst, kj::mv(one));
  pool_.EndJob(kFirst);
  EXPECT_THAT(factory_.living, ElementsAre("job-2#2"));
}

TEST_F(ExecutorPoolTest, AFailedStartTakesNoSlot) {
  factory_.fail_next = true;
  EXPECT_EQ(pool_.Take(kFirst, {}).status().message(), "no such program");
  EXPECT_EQ(pool_.busy(), 0u);
}

}  // namespace
}  // namespace millrace
