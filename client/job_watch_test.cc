// What a client does while it waits for a job, against a scripted master on a real connection.
#include "client/job_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>

#include <string>
#include <vector>

#include "client/fake_master.h"
#include "client/master_link.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

JobView View(uint64_t version, JobState state = JobState::kRunning) {
  JobView view;
  view.job = JobId(3);
  view.name = "wordcount";
  view.version = version;
  view.state = state;
  return view;
}

class JobWatchTest : public testing::Test {
 protected:
  JobWatchTest()
      : io_(kj::setupAsyncIo()),
        master_(io_),
        link_(io_.provider->getNetwork(), io_.provider->getTimer(), master_.address(),
              ConnectionOptions()) {
    link_.Connect(10 * kj::SECONDS).wait(io_.waitScope);
  }
  ~JobWatchTest() noexcept override {}

  kj::Own<JobWatch> Watch(JobId job) {
    JobWatchOptions options;
    options.on_view = [this](const JobView& view) { Show(view.version); };
    options.on_note = [this](std::string_view note) { notes_.emplace_back(note); };
    return kj::heap<JobWatch>(link_, job, kj::mv(options));
  }

  // Lets the loop run until the watch has shown `count` views; `watch` must be running.
  void UntilShown(kj::Promise<absl::StatusOr<JobView>>& watch, size_t count) {
    watch.poll(io_.waitScope);
    if (versions_.size() >= count) return;
    auto shown = kj::newPromiseAndFulfiller<void>();
    awaited_ = count;
    shown_ = kj::mv(shown.fulfiller);
    shown.promise.wait(io_.waitScope);
  }

  void Show(uint64_t version) {
    versions_.push_back(version);
    if (versions_.size() == awaited_) shown_->fulfill();
  }

  kj::AsyncIoContext io_;
  FakeMaster master_;
  MasterLink link_;
  std::vector<uint64_t> versions_;
  std::vector<std::string> notes_;
  size_t awaited_ = 0;
  kj::Own<kj::PromiseFulfiller<void>> shown_;
};

TEST_F(JobWatchTest, ShowsEachVersionOnceAndEndsWithTheJob) {
  master_.Show(View(1));
  auto watch = Watch(JobId(3));
  auto end = watch->Run().eagerlyEvaluate(nullptr);
  UntilShown(end, 1);
  master_.Show(View(2));
  UntilShown(end, 2);
  master_.Show(View(3, JobState::kSucceeded));
  EXPECT_EQ(end.wait(io_.waitScope)->state, JobState::kSucceeded);
  EXPECT_THAT(versions_, ElementsAre(1, 2));
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(JobWatchTest, AnUnknownJobIsAnErrorThatSaysWhereToLook) {
  const absl::StatusOr<JobView> end = Watch(JobId(99))->Run().wait(io_.waitScope);
  EXPECT_EQ(end.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(end.status().message()), HasSubstr("knows no job-99"));
  EXPECT_THAT(std::string(end.status().message()), HasSubstr("jobs` lists"));
}

TEST_F(JobWatchTest, AMasterThatComesBackIsWatchedOn) {
  master_.Show(View(5));
  auto watch = Watch(JobId(3));
  auto end = watch->Run().eagerlyEvaluate(nullptr);
  UntilShown(end, 1);
  master_.DropConnections();
  master_.Show(View(1));  // another life of the master counts anew
  UntilShown(end, 2);
  master_.Show(View(2, JobState::kFailed));
  EXPECT_EQ(end.wait(io_.waitScope)->state, JobState::kFailed);
  EXPECT_THAT(versions_, ElementsAre(5, 1));
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("job-3 goes on"), HasSubstr("is back")));
}

TEST_F(JobWatchTest, AJobOfTheSameNumberInAnotherClusterIsNotTheOneThatIsWatched) {
  JobView ours = View(5);
  ours.output_folder = "/ours";
  master_.Show(ours);
  auto watch = Watch(JobId(3));
  auto end = watch->Run().eagerlyEvaluate(nullptr);
  UntilShown(end, 1);
  master_.DropConnections();
  JobView theirs = View(1, JobState::kSucceeded);
  theirs.output_folder = "/theirs";
  master_.Show(theirs);
  const absl::StatusOr<JobView> other = end.wait(io_.waitScope);
  EXPECT_EQ(other.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(other.status().message()),
              AllOf(HasSubstr("is another one, with the output /theirs"),
                    HasSubstr("start it with the same --state_dir")));
}

TEST_F(JobWatchTest, AttemptsComeInPages) {
  master_.attempts.resize(2001);
  for (size_t i = 0; i < master_.attempts.size(); ++i) {
    master_.attempts[i].attempt = AttemptId{Epoch(1), i + 1};
    master_.attempts[i].task = TaskId{JobId(3), 0, 0};
    master_.attempts[i].worker = WorkerId(1);
  }
  const auto attempts = link_.Attempts(JobId(3)).wait(io_.waitScope);
  ASSERT_TRUE(attempts.ok()) << attempts.status();
  EXPECT_EQ(attempts->size(), 2001u);
  EXPECT_EQ(attempts->back().attempt.sequence, 2001u);
  EXPECT_EQ(master_.attempt_calls, 3);
}

TEST_F(JobWatchTest, WhoCancelsWhileTheMasterIsAwayHearsThatItIs) {
  MasterLink link(io_.provider->getNetwork(), io_.provider->getTimer(), master_.address(),
                  ConnectionOptions());
  const auto failed =
      kj::runCatchingExceptions([&]() { link.Cancel(JobId(3), "a test").wait(io_.waitScope); });
  KJ_IF_MAYBE (exception, failed) {
    EXPECT_STREQ(exception->getDescription().cStr(), "not connected to it now");
  } else {
    FAIL() << "it was cancelled";
  }
}

TEST_F(JobWatchTest, CancellingSaysWhy) {
  EXPECT_EQ(*link_.Cancel(JobId(3), "a test").wait(io_.waitScope), "");
  EXPECT_EQ(master_.cancelled_because, "a test");
}

}  // namespace
}  // namespace millrace
