// Eight workers, each a connection away, on a clock that stands still while anybody has something
// to do and jumps when all wait: a second of a worker takes no time here.
#include "apps/wordcount_rpc/ways_to_call.h"

#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/debug.h>
#include <kj/timer.h>

#include <memory>
#include <string>
#include <vector>

#include "apps/wordcount_rpc/ask_all.h"
#include "apps/wordcount_rpc/word_count_service.h"

namespace millrace {
namespace {

using capnp::rpc::twoparty::Side;

constexpr kj::Duration kTask = 1 * kj::SECONDS;
constexpr kj::Duration kLimit = 20 * kj::SECONDS;

// Time for one event loop.
class VirtualTime final : public kj::EventPort {
 public:
  bool wait() override {
    KJ_IF_MAYBE (next, timer_.nextEvent()) {
      timer_.advanceTo(*next);
    } else {
      ADD_FAILURE() << "all wait, and for nothing";
      kj::throwFatalException(KJ_EXCEPTION(FAILED, "all wait, and for nothing"));
    }
    return false;
  }
  bool poll() override { return false; }

  kj::Timer& timer() { return timer_; }
  void Pass(kj::Duration time) { timer_.advanceTo(timer_.now() + time); }

 private:
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
};

class WaysToCallTest : public ::testing::Test {
 protected:
  struct Worker {
    std::unique_ptr<WordCountService> service;
    kj::Own<Connection> end;
    kj::Own<Connection> ours;
  };

  ~WaysToCallTest() noexcept override {}

  void StartWorkers(int count, kj::Duration task = kTask) {
    for (int i = 0; i < count; ++i) {
      Worker worker;
      kj::TwoWayPipe pipe = kj::newTwoWayPipe();
      worker.service = std::make_unique<WordCountService>(time_.timer(), task);
      worker.end =
          kj::heap<Connection>(kj::mv(pipe.ends[0]), Side::SERVER, worker.service->Welcome());
      worker.ours = kj::heap<Connection>(kj::mv(pipe.ends[1]), Side::CLIENT, nullptr,
                                         "worker " + std::to_string(i));
      workers_.push_back(std::move(worker));
    }
  }

  kj::Promise<WordCounts> Send(size_t worker, std::string_view text = "one task") {
    return CountWordsAt(*workers_[worker].ours, text, time_.timer(), kLimit);
  }

  std::vector<Question> AllQuestions() {
    std::vector<Question> questions;
    for (size_t i = 0; i < workers_.size(); ++i) {
      questions.push_back([this, i]() { return Send(i, "task " + std::to_string(i)); });
    }
    return questions;
  }

  void ExpectAllAnswered(const std::vector<Answer>& answers) {
    ASSERT_EQ(answers.size(), workers_.size());
    for (size_t i = 0; i < answers.size(); ++i) {
      ASSERT_TRUE(answers[i].ok()) << answers[i].status();
      EXPECT_EQ(FormatCounts(*answers[i]), "map[" + std::to_string(i) + ":1 task:1]");
    }
  }

  int64_t Milliseconds() {
    return (time_.timer().now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS;
  }

  VirtualTime time_;
  kj::EventLoop loop_{time_};
  kj::WaitScope scope_{loop_};
  std::vector<Worker> workers_;
};

// --- Eight tasks of one second on eight workers ---

TEST_F(WaysToCallTest, OneAfterAnotherEightTasksTakeEightSeconds) {
  StartWorkers(8);
  ExpectAllAnswered(AskAll(Way::kSync, scope_, AllQuestions(), nullptr));
  EXPECT_EQ(Milliseconds(), 8000);
}

TEST_F(WaysToCallTest, WithCallbacksEightTasksTakeOneSecond) {
  StartWorkers(8);
  ExpectAllAnswered(AskAll(Way::kCallback, scope_, AllQuestions(), nullptr));
  EXPECT_EQ(Milliseconds(), 1000);
}

TEST_F(WaysToCallTest, WithCallObjectsEightTasksTakeOneSecond) {
  StartWorkers(8);
  ExpectAllAnswered(AskAll(Way::kCallObject, scope_, AllQuestions(), nullptr));
  EXPECT_EQ(Milliseconds(), 1000);
}

TEST_F(WaysToCallTest, WithFuturesEightTasksTakeOneSecondInWhichOtherWorkIsDone) {
  StartWorkers(8);
  int pieces = 0;
  const auto other_work = [&]() {
    ++pieces;
    time_.Pass(10 * kj::MILLISECONDS);
  };
  ExpectAllAnswered(AskAll(Way::kFuture, scope_, AllQuestions(), other_work));
  EXPECT_EQ(Milliseconds(), 1000);
  EXPECT_EQ(pieces, 100);  // all the time that the workers needed
}

TEST_F(WaysToCallTest, InEveryWayAFailedCallDisturbsNoOther) {
  for (Way way : {Way::kSync, Way::kCallback, Way::kFuture, Way::kCallObject}) {
    workers_.clear();
    StartWorkers(3);
    workers_[1].end = nullptr;
    const auto other_work = [&]() { time_.Pass(10 * kj::MILLISECONDS); };
    const std::vector<Answer> answers = AskAll(way, scope_, AllQuestions(), other_work);
    ASSERT_EQ(answers.size(), 3u);
    EXPECT_TRUE(answers[0].ok());
    EXPECT_EQ(answers[1].status().code(), absl::StatusCode::kUnavailable);
    EXPECT_TRUE(answers[2].ok());
  }
}

// --- Synchronous ---

TEST_F(WaysToCallTest, ASynchronousCallStandsStillUntilTheReplyIsThere) {
  StartWorkers(1);
  const absl::StatusOr<WordCounts> outcome = CallAndWait(scope_, Send(0));
  EXPECT_EQ(Milliseconds(), 1000);
  EXPECT_EQ(FormatCounts(outcome.value()), "map[one:1 task:1]");
}

TEST_F(WaysToCallTest, ASynchronousCallWithoutAnAnswerEndsAtItsDeadlineAndNamesTheServer) {
  StartWorkers(1, kLimit + kTask);
  const absl::StatusOr<WordCounts> outcome = CallAndWait(scope_, Send(0));
  EXPECT_EQ(outcome.status().message(), "asking worker 0: no answer within 20 s");
  EXPECT_EQ(Milliseconds(), 20000);
}

// --- Callback ---

TEST_F(WaysToCallTest, ACallbackRunsOnceAndNotBeforeTheReply) {
  StartWorkers(1);
  std::vector<std::string> heard;
  const auto call = CallWithCallback(Send(0), [&](absl::StatusOr<WordCounts> outcome) {
    heard.push_back(FormatCounts(outcome.value()));
  });
  scope_.poll();
  EXPECT_TRUE(heard.empty());
  time_.Pass(kTask);
  scope_.poll();  // nobody waits for `call`
  EXPECT_EQ(heard, (std::vector<std::string>{"map[one:1 task:1]"}));
}

TEST_F(WaysToCallTest, ACallbackHearsOfAFailure) {
  StartWorkers(1);
  absl::Status heard;
  const auto call = CallWithCallback(
      Send(0), [&](absl::StatusOr<WordCounts> outcome) { heard = outcome.status(); });
  scope_.poll();
  ASSERT_EQ(workers_[0].service->calls(), 1u);  // it is under way
  workers_[0].end = nullptr;
  scope_.poll();
  EXPECT_EQ(heard.code(), absl::StatusCode::kUnavailable);
}

TEST_F(WaysToCallTest, ACallbackNeverRunsAfterItsCallWasDropped) {
  StartWorkers(1);
  bool heard = false;
  auto call = CallWithCallback(Send(0), [&](absl::StatusOr<WordCounts>) { heard = true; });
  scope_.poll();
  ASSERT_EQ(workers_[0].service->under_way(), 1u);
  { const auto dropped = kj::mv(call); }
  scope_.poll();
  EXPECT_EQ(workers_[0].service->under_way(), 0u);  // the worker has heard of it
  time_.Pass(2 * kTask);
  scope_.poll();
  EXPECT_FALSE(heard);
}

// --- Future ---

TEST_F(WaysToCallTest, AFutureSaysWhenItIsReadyAndLookingTakesNoTime) {
  StartWorkers(1);
  Future<WordCounts> future(scope_, Send(0));
  EXPECT_FALSE(future.Ready());
  EXPECT_FALSE(future.Ready());
  EXPECT_EQ(Milliseconds(), 0);
  time_.Pass(kTask);
  EXPECT_TRUE(future.Ready());
  EXPECT_TRUE(future.Ready());
  EXPECT_EQ(FormatCounts(future.Get().value()), "map[one:1 task:1]");
}

TEST_F(WaysToCallTest, AFutureThatIsTakenBeforeItIsReadyIsWaitedFor) {
  StartWorkers(1);
  Future<WordCounts> future(scope_, Send(0));
  EXPECT_TRUE(future.Get().ok());
  EXPECT_EQ(Milliseconds(), 1000);
}

TEST_F(WaysToCallTest, AFutureOfACallThatFailedIsReadyAndHasTheReason) {
  StartWorkers(1);
  Future<WordCounts> future(scope_, Send(0));
  EXPECT_FALSE(future.Ready());
  workers_[0].end = nullptr;
  EXPECT_TRUE(future.Ready());
  EXPECT_EQ(future.Get().status().code(), absl::StatusCode::kUnavailable);
}

// --- Call object ---

TEST_F(WaysToCallTest, ACallObjectHasDoneErrorAndReply) {
  StartWorkers(1);
  Call<WordCounts> call(Send(0));
  scope_.poll();
  EXPECT_FALSE(call.done());
  time_.Pass(kTask);
  scope_.poll();  // nobody waits for it
  EXPECT_TRUE(call.done());
  EXPECT_TRUE(call.error().ok());
  EXPECT_EQ(FormatCounts(call.reply()), "map[one:1 task:1]");
}

TEST_F(WaysToCallTest, ACallObjectThatFailedIsDoneAndHasTheError) {
  StartWorkers(1);
  Call<WordCounts> call(Send(0));
  scope_.poll();
  ASSERT_EQ(workers_[0].service->calls(), 1u);
  workers_[0].end = nullptr;
  call.OnDone().wait(scope_);
  EXPECT_TRUE(call.done());
  EXPECT_EQ(call.error().code(), absl::StatusCode::kUnavailable);
}

TEST_F(WaysToCallTest, AnyNumberMayWaitForACallObject) {
  StartWorkers(1);
  Call<WordCounts> call(Send(0));
  call.OnDone().wait(scope_);
  call.OnDone().wait(scope_);
  EXPECT_EQ(Milliseconds(), 1000);
}

}  // namespace
}  // namespace millrace
