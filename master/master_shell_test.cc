// The four steps: what is done at once, what waits for the journal, and what shares a sync.
#include "master/master_shell.h"

#include <kj/async.h>
#include <kj/timer.h>

#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "master/memory_journal.h"

namespace millrace {
namespace {

using ::testing::SizeIs;

// A disk that takes as long as the test wants.
class HeldRunner : public BlockingRunner {
 public:
  kj::Promise<absl::Status> Run(std::function<absl::Status()> work) override {
    auto paf = kj::newPromiseAndFulfiller<absl::Status>();
    queue_.push_back({std::move(work), kj::mv(paf.fulfiller)});
    return kj::mv(paf.promise);
  }

  size_t size() const { return queue_.size(); }
  void RunOne() {
    Entry entry = std::move(queue_.front());
    queue_.pop_front();
    entry.done->fulfill(entry.work());
  }

 private:
  struct Entry {
    std::function<absl::Status()> work;
    kj::Own<kj::PromiseFulfiller<absl::Status>> done;
  };
  std::deque<Entry> queue_;
};

class Recorder : public ActionPerformer {
 public:
  void Perform(const Action& action) override { done.push_back(action); }
  template <typename T>
  int Count() const {
    int count = 0;
    for (const Action& action : done) count += std::holds_alternative<T>(action) ? 1 : 0;
    return count;
  }
  Actions done;
};

class MasterShellTest : public ::testing::Test {
 protected:
  MasterShellTest() {
    running_ = shell_.Run().eagerlyEvaluate([this](kj::Exception&&) { failed_ = true; });
    Settle();
    RunDisk();
  }
  ~MasterShellTest() noexcept override { running_ = nullptr; }

  void Settle() { wait_scope_.poll(); }
  void RunDisk() {
    for (Settle(); runner_.size() > 0; Settle()) runner_.RunOne();
  }

  void Join(uint64_t worker, uint32_t slots) {
    WorkerJoined joined;
    joined.worker = core_.IdOf(Incarnation(worker));
    joined.incarnation = Incarnation(worker);
    joined.slots = slots;
    joined.name = "red";
    shell_.Happened(joined);
  }

  void ReportMap(const LaunchAttempt& launch) {
    AttemptReported report;
    report.worker = launch.worker;
    report.outcome.attempt = launch.attempt;
    report.outcome.task = launch.task;
    report.outcome.cause = Cause::kSucceeded;
    shell_.Happened(report);
  }

  void Submit(const std::string& request, uint32_t maps = 1) {
    JobPlan plan;
    plan.name = "wordcount";
    plan.request_id = request;
    plan.output_folder = "/" + request;
    plan.map_count = maps;
    plan.reducers = 1;
    shell_.Happened(JobSubmitted{plan, "", JobId()});
  }

  // The attempt launched as number `index`.
  LaunchAttempt Launched(size_t index) const {
    for (const Action& action : recorder_.done) {
      const auto* launch = std::get_if<LaunchAttempt>(&action);
      if (launch != nullptr && index-- == 0) return *launch;
    }
    ADD_FAILURE() << "too few launches";
    return LaunchAttempt();
  }

  kj::EventLoop loop_;
  kj::WaitScope wait_scope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  MasterCore core_{CoreOptions()};
  MemoryJournal journal_;
  HeldRunner runner_;
  Recorder recorder_;
  MasterShell shell_{core_, journal_, runner_, timer_, recorder_, MasterShell::Options()};
  kj::Promise<void> running_ = nullptr;
  bool failed_ = false;
};

TEST_F(MasterShellTest, LaunchingWaitsForNothingAndTheReplyForTheSync) {
  Join(1, 1);
  Submit("a");
  EXPECT_EQ(recorder_.Count<LaunchAttempt>(), 1);
  Settle();
  EXPECT_EQ(recorder_.Count<AnswerSubmit>(), 0);
  RunDisk();
  EXPECT_EQ(recorder_.Count<AnswerSubmit>(), 1);
}

TEST_F(MasterShellTest, WhatHappensDuringASyncSharesTheNext) {
  const uint64_t before = journal_.sync_count();
  Submit("a");
  Settle();
  ASSERT_EQ(runner_.size(), 1u);  // the disk is busy with a
  for (const char* request : {"b", "c", "d"}) {
    Submit(request);
    Settle();
  }
  ASSERT_EQ(runner_.size(), 1u);
  runner_.RunOne();
  Settle();
  EXPECT_EQ(recorder_.Count<AnswerSubmit>(), 1);
  runner_.RunOne();
  Settle();
  EXPECT_EQ(recorder_.Count<AnswerSubmit>(), 4);
  EXPECT_EQ(journal_.sync_count() - before, 2u);
}

TEST_F(MasterShellTest, WhatNobodyWaitsForIsWrittenWithoutASync) {
  Submit("a");
  Settle();
  RunDisk();
  const uint64_t before = journal_.sync_count();
  Join(1, 1);  // a registration and the start of an attempt
  Settle();
  RunDisk();
  EXPECT_EQ(recorder_.Count<LaunchAttempt>(), 1);
  EXPECT_EQ(journal_.sync_count(), before);
}

TEST_F(MasterShellTest, TheAnswerToAMapWaitsForASyncThatOthersNeedOrALittle) {
  Join(1, 1);
  Submit("a", /*maps=*/3);
  RunDisk();
  const uint64_t before = journal_.sync_count();
  ReportMap(Launched(0));
  Settle();
  EXPECT_EQ(runner_.size(), 0u);
  Submit("b");  // is urgent
  RunDisk();
  EXPECT_EQ(recorder_.Count<AnswerOutcome>(), 1);
  EXPECT_EQ(journal_.sync_count() - before, 1u);

  ReportMap(Launched(1));
  Settle();
  EXPECT_EQ(runner_.size(), 0u);
  timer_.advanceTo(timer_.now() + 20 * kj::MILLISECONDS);
  RunDisk();
  EXPECT_EQ(recorder_.Count<AnswerOutcome>(), 2);
}

TEST_F(MasterShellTest, AFailedJournalEndsEverything) {
  Submit("a");
  Settle();
  ASSERT_TRUE(journal_.Close().ok());
  RunDisk();
  EXPECT_TRUE(failed_);
  EXPECT_EQ(recorder_.Count<AnswerSubmit>(), 0);
  const size_t done = recorder_.done.size();
  Join(1, 1);
  Submit("b");
  Settle();
  EXPECT_THAT(recorder_.done, SizeIs(done));
  EXPECT_EQ(runner_.size(), 0u);
}

TEST_F(MasterShellTest, ATickComesWhenTheCoreAskedForIt) {
  Join(1, 1);
  timer_.advanceTo(timer_.now() + 1 * kj::SECONDS);
  Settle();
  EXPECT_EQ(recorder_.Count<ForgetWorker>(), 0);
  for (int i = 0; i < 12; ++i) {
    timer_.advanceTo(timer_.now() + 1 * kj::SECONDS);
    Settle();
    RunDisk();
  }
  EXPECT_EQ(recorder_.Count<ForgetWorker>(), 1);  // its lease has ended
}

TEST_F(MasterShellTest, ADiskThatHangsCostsNobodyTheLease) {
  Join(1, 1);
  const WorkerId worker = core_.IdOf(Incarnation(1));
  Submit("a");
  Settle();
  ASSERT_EQ(runner_.size(), 1u);  // the disk is busy, for longer than two leases
  for (int i = 0; i < 30; ++i) {
    timer_.advanceTo(timer_.now() + 1 * kj::SECONDS);
    Settle();
    shell_.Happened(HeartbeatReceived{worker});
    Settle();
  }
  EXPECT_EQ(recorder_.Count<AnswerSubmit>(), 0);
  EXPECT_EQ(recorder_.Count<ForgetWorker>(), 0);
  RunDisk();
  EXPECT_EQ(recorder_.Count<AnswerSubmit>(), 1);
}

TEST_F(MasterShellTest, APauseOfTheLoopStartsEveryLeaseAnew) {
  Join(1, 1);
  timer_.advanceTo(timer_.now() + 60 * kj::SECONDS);
  Settle();
  RunDisk();
  EXPECT_EQ(recorder_.Count<ForgetWorker>(), 0);
}

TEST_F(MasterShellTest, WhatWasDecidedIsDurableOnceTheDiskHasIt) {
  Submit("a");
  auto durable = shell_.Durable();
  EXPECT_FALSE(durable.poll(wait_scope_));
  RunDisk();
  EXPECT_TRUE(durable.poll(wait_scope_));
}

TEST_F(MasterShellTest, WhatWasWrittenWithoutASyncIsNotYetDurable) {
  Join(1, 1);  // waits for nothing
  RunDisk();
  const uint64_t syncs = journal_.sync_count();
  auto durable = shell_.Durable();
  EXPECT_FALSE(durable.poll(wait_scope_));
  RunDisk();
  EXPECT_TRUE(durable.poll(wait_scope_));
  EXPECT_TRUE(shell_.Durable().poll(wait_scope_));
  EXPECT_EQ(journal_.sync_count(), syncs + 1);
}

}  // namespace
}  // namespace millrace
