// Logs of attempts on several workers, asked for at a scripted master on a real connection.
#include "client/attempt_logs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>

#include <string>
#include <vector>

#include "client/fake_master.h"
#include "client/master_link.h"

namespace millrace {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class LogFetchTest : public testing::Test {
 protected:
  LogFetchTest()
      : io_(kj::setupAsyncIo()),
        master_(io_),
        link_(io_.provider->getNetwork(), io_.provider->getTimer(), master_.address(),
              ConnectionOptions()) {
    link_.Connect(10 * kj::SECONDS).wait(io_.waitScope);
  }
  ~LogFetchTest() noexcept override {}

  // The next attempt of all, which wrote `text`.
  AttemptView Attempt(WorkerId worker, const std::string& text) {
    AttemptView view;
    view.attempt = AttemptId{Epoch(1), ++attempts_};
    view.worker = worker;
    master_.written[view.attempt] = text;
    return view;
  }

  // So many attempts that wrote their numbers, from 0.
  std::vector<AttemptView> Numbered(WorkerId worker, int count) {
    std::vector<AttemptView> attempts;
    attempts.reserve(count);
    for (int i = 0; i < count; ++i) attempts.push_back(Attempt(worker, std::to_string(i)));
    return attempts;
  }

  std::vector<LoggedAttempt> Fetch(const std::vector<AttemptView>& attempts) {
    LogFetch fetch(link_, attempts);
    return fetch.Run().wait(io_.waitScope);
  }

  kj::AsyncIoContext io_;
  FakeMaster master_;
  MasterLink link_;
  uint64_t attempts_ = 0;
};

constexpr WorkerId kRed(1);
constexpr WorkerId kBlue(2);

TEST_F(LogFetchTest, LogsComeInTheOrderOfTheAttemptsWhateverWorkerTheyAreOf) {
  const auto logs = Fetch({Attempt(kRed, "one"), Attempt(kBlue, "two"), Attempt(kRed, "three")});
  ASSERT_THAT(logs, SizeIs(3));
  EXPECT_EQ(logs[0].log.text, "one");
  EXPECT_EQ(logs[1].log.text, "two");
  EXPECT_EQ(logs[2].log.text, "three");
}

TEST_F(LogFetchTest, ManyAttemptsAreAskedForInSeveralCalls) {
  const auto logs = Fetch(Numbered(kRed, 40));
  ASSERT_THAT(logs, SizeIs(40));
  for (int i = 0; i < 40; ++i) EXPECT_EQ(logs[i].log.text, std::to_string(i));
  EXPECT_THAT(master_.asked_for_logs, SizeIs(3));
}

TEST_F(LogFetchTest, AWorkerThatCannotBeAskedIsAskedOnceAndHidesNoOthersLogs) {
  master_.away[kRed] = "worker red is lost";
  std::vector<AttemptView> attempts = Numbered(kRed, 40);
  attempts.push_back(Attempt(kBlue, "here"));
  const auto logs = Fetch(attempts);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(logs[i].unavailable, "worker red is lost");
  EXPECT_EQ(logs[40].log.text, "here");
  EXPECT_THAT(master_.asked_for_logs, SizeIs(2));
}

TEST_F(LogFetchTest, WithoutAttemptsNobodyIsAsked) {
  EXPECT_THAT(Fetch({}), IsEmpty());
  EXPECT_THAT(master_.asked_for_logs, IsEmpty());
}

}  // namespace
}  // namespace millrace
