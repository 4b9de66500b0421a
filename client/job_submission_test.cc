// How a job reaches a master, also over a connection that breaks.
#include "client/job_submission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/timer.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/fake_master.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;

JobSpec Spec(size_t inputs) {
  JobSpec spec;
  spec.name = "wordcount";
  spec.request_id = "0123456789abcdef";
  spec.argv = {"wordcount"};
  spec.binary.path = "/proc/self/exe";
  spec.binary.sha256 = std::string(64, 'a');
  spec.binary.size = 1;
  spec.output_folder = "/out";
  spec.reducers = 1;
  for (size_t i = 0; i < inputs; ++i) spec.inputs.push_back({absl::StrCat("/in/", i), 10, 1});
  return spec;
}

class JobSubmissionTest : public testing::Test {
 protected:
  JobSubmissionTest()
      : io_(kj::setupAsyncIo()),
        master_(io_),
        link_(io_.provider->getNetwork(), io_.provider->getTimer(), master_.address(),
              ConnectionOptions()) {
    link_.Connect(10 * kj::SECONDS).wait(io_.waitScope);
  }
  ~JobSubmissionTest() noexcept override {}

  absl::StatusOr<JobId> Submit(JobSpec spec, kj::Duration patience = 10 * kj::SECONDS) {
    JobSubmission submission(link_, std::move(spec), patience);
    return submission.Run().wait(io_.waitScope);
  }

  // Why a job is not taken in, and not refused either. Time passes a hundred times as fast.
  std::string FailureInTheEnd(JobSpec spec) {
    kj::TimerImpl timer(io_.provider->getTimer().now());
    MasterLink link(io_.provider->getNetwork(), timer, master_.address(), ConnectionOptions());
    JobSubmission submission(link, std::move(spec), /*patience=*/10 * kj::SECONDS);
    std::string failure;
    bool ended = false;
    auto run = submission.Run()
                   .then([](absl::StatusOr<JobId>) {},
                         [&](kj::Exception&& e) { failure = e.getDescription().cStr(); })
                   .then([&]() { ended = true; })
                   .eagerlyEvaluate(nullptr);
    while (!ended) {
      io_.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(io_.waitScope);
      timer.advanceTo(timer.now() + 100 * kj::MILLISECONDS);
    }
    return failure;
  }

  kj::AsyncIoContext io_;
  FakeMaster master_;
  MasterLink link_;
};

TEST_F(JobSubmissionTest, AllInputsArriveInOrder) {
  EXPECT_EQ(*Submit(Spec(/*inputs=*/2500)), JobId(1));
  ASSERT_THAT(master_.inputs, SizeIs(2500));
  EXPECT_EQ(master_.inputs[1234].path, "/in/1234");
  EXPECT_EQ(master_.binary_bytes, 0u);
}

TEST_F(JobSubmissionTest, TheBinaryIsSentWhenTheMasterHasNone) {
  const std::string path = testing::TempDir() + "/binary";
  std::ofstream(path) << std::string((1 << 20) + 7, 'x');
  JobSpec spec = Spec(1);
  spec.binary.path = path;
  master_.wants_binary = true;
  EXPECT_TRUE(Submit(spec).ok());
  EXPECT_EQ(master_.binary_bytes, (1u << 20) + 7);
}

TEST_F(JobSubmissionTest, SideFilesAreSentAfterTheBinaryEmptyOnesToo) {
  const std::string path = testing::TempDir() + "/side";
  std::ofstream(path) << std::string((2 << 20) + 7, 'x');
  std::ofstream(path + "-empty").flush();
  JobSpec spec = Spec(1);
  spec.side_files = {spec.binary, spec.binary};
  spec.binary.path = path;
  spec.side_files[0].name = "list";
  spec.side_files[0].path = path;
  spec.side_files[1].name = "empty";
  spec.side_files[1].path = path + "-empty";
  spec.side_files[1].size = 0;
  master_.wants_binary = true;
  EXPECT_TRUE(Submit(spec).ok());
  EXPECT_THAT(master_.side_files, ElementsAre(Pair("empty", 0), Pair("list", (2u << 20) + 7)));
}

TEST_F(JobSubmissionTest, ALostReplyDoesNotMakeASecondJob) {
  master_.replies_to_lose = 1;
  EXPECT_EQ(*Submit(Spec(1)), JobId(1));
  EXPECT_EQ(master_.submits, 1) << "the copy was given the reply";
}

TEST_F(JobSubmissionTest, ASubmissionThatHasEndedHoldsNoConnection) {
  JobSubmission submission(link_, Spec(1), 10 * kj::SECONDS);
  EXPECT_EQ(*submission.Run().wait(io_.waitScope), JobId(1));
  while (master_.connected() > 1)
    io_.provider->getTimer().afterDelay(0 * kj::SECONDS).wait(io_.waitScope);
  EXPECT_EQ(master_.connected(), 1u) << "that of the link";
}

// It has forgotten who called, so the caller cannot know; but not which request made which job.
TEST_F(JobSubmissionTest, AMasterThatHasStartedAnewIsAskedForTheJob) {
  master_.replies_to_lose = 1;
  master_.restarts = true;
  EXPECT_EQ(*Submit(Spec(1)), JobId(1));
  EXPECT_EQ(master_.submits, 2);
  EXPECT_THAT(master_.accepted, SizeIs(1));
}

TEST_F(JobSubmissionTest, WhatNobodyKnowsIsSaidWithWhereToLook) {
  master_.replies_to_lose = 1000;
  master_.restarts = true;
  try {
    Submit(Spec(1)).IgnoreError();
    FAIL() << "every reply was lost";
  } catch (const kj::Exception& e) {
    EXPECT_EQ(e.getType(), kj::Exception::Type::DISCONNECTED);
    EXPECT_THAT(std::string(e.getDescription().cStr()),
                StartsWith(master_.address() + " did not say whether it has accepted the job: "));
    EXPECT_THAT(std::string(e.getDescription().cStr()),
                HasSubstr("`millrace --master=" + master_.address() + " jobs`"));
  }
  EXPECT_THAT(master_.accepted, SizeIs(1));
}

// The master has executed a call that came late, after its submission had gone.
TEST_F(JobSubmissionTest, ACallThatHadNothingToMakeAJobOfIsFollowedByAnother) {
  master_.empty_replies = 1;
  EXPECT_EQ(*Submit(Spec(1)), JobId(1));
  EXPECT_EQ(master_.submits, 2);
}

TEST_F(JobSubmissionTest, AMasterThatNeverSaysAnythingIsGivenUpAndHasRefusedNothing) {
  master_.is_silent = true;
  EXPECT_THAT(FailureInTheEnd(Spec(1)), StartsWith("no answer from " + master_.address()));
}

// The first call may have made the job, though the second is never sent.
TEST_F(JobSubmissionTest, WhatOnceWasUnknownStaysUnknownWhenTheMasterIsAway) {
  master_.replies_to_lose = 1;
  master_.restarts = true;
  master_.stays_away = true;
  EXPECT_THAT(FailureInTheEnd(Spec(1)),
              StartsWith(master_.address() + " did not say whether it has accepted the job: "));
  EXPECT_THAT(master_.accepted, SizeIs(1));
}

// Nobody could say when all that would have arrived.
TEST_F(JobSubmissionTest, TheSizeOfAFileIsNoReasonToGiveUp) {
  JobSpec spec = Spec(1);
  spec.binary.size = UINT64_MAX;
  EXPECT_EQ(*Submit(spec), JobId(1));
}

TEST_F(JobSubmissionTest, ALostConnectionIsReplacedByOneThatStartsOver) {
  master_.connections_to_lose = 2;
  EXPECT_EQ(*Submit(Spec(/*inputs=*/2500)), JobId(1));
  EXPECT_EQ(master_.connections_to_lose, 0);
  EXPECT_THAT(master_.inputs, SizeIs(2500));
}

TEST_F(JobSubmissionTest, ABusyMasterIsAskedAgain) {
  master_.times_busy = 4;
  EXPECT_EQ(*Submit(Spec(1)), JobId(1));
  EXPECT_EQ(master_.times_busy, 0);
}

TEST_F(JobSubmissionTest, AMasterThatIsBusyForTooLongIsGivenUpWithItsReason) {
  master_.times_busy = 1000;
  try {
    Submit(Spec(1), /*patience=*/100 * kj::MILLISECONDS).IgnoreError();
    FAIL() << "nobody took the job";
  } catch (const kj::Exception& e) {
    EXPECT_EQ(std::string(e.getDescription().cStr()),
              master_.address() + ": the master is taking in 64 other jobs (tried for 100 ms)");
  }
  EXPECT_THAT(master_.accepted, IsEmpty());
  EXPECT_LE(master_.times_busy, 997) << "asked at least three times in 100 ms";
}

TEST_F(JobSubmissionTest, ARefusalIsPassedOn) {
  master_.refusal = "host red does not see /in/0";
  const absl::StatusOr<JobId> job = Submit(Spec(1));
  EXPECT_EQ(job.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(job.status().message(), "host red does not see /in/0");
}

}  // namespace
}  // namespace millrace
