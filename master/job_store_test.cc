#include "master/job_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rpc/wire.h"
#include "rpc/wire_samples.h"
#include "storage/paths.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

JobSpec Chained() {
  JobSpec spec;
  spec.name = "top";
  spec.request_id = "request";
  spec.inputs = {InputFile{"/in/a", 100, 7}};
  spec.reducers = 1;
  spec.split_keys = {"k"};
  spec.part_suffix = ".zst";
  spec.map_identity = Digest{1, 2};
  spec.output_folder = "/out";
  spec.before = {{"count", 2}, {"merge", 3}};
  return spec;
}

TEST(ChainOfTest, EachJobIsAboutItselfAndTheLastAboutTheOutput) {
  const std::vector<JobSpec> chain = ChainOf(Chained());
  ASSERT_THAT(chain, SizeIs(3));
  const char* const names[] = {"count", "merge", "top"};
  const uint32_t reducers[] = {2, 3, 1};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(chain[i].name, names[i]);
    EXPECT_EQ(chain[i].reducers, reducers[i]);
    EXPECT_THAT(chain[i].before, SizeIs(i));
    EXPECT_EQ(chain[i].output_folder, "/out");
  }
  EXPECT_EQ(chain[0].part_suffix, "");
  EXPECT_EQ(chain[2].part_suffix, ".zst");
}

TEST(ChainOfTest, TheFirstReadsTheInputAndTheOthersNone) {
  const std::vector<JobSpec> chain = ChainOf(Chained());
  EXPECT_THAT(chain[0].inputs, SizeIs(1));
  EXPECT_THAT(chain[0].split_keys, ElementsAre("k"));
  EXPECT_TRUE(chain[0].map_identity.has_value());
  for (size_t i : {1, 2}) {
    EXPECT_THAT(chain[i].inputs, IsEmpty());
    EXPECT_THAT(chain[i].split_keys, IsEmpty());
    EXPECT_FALSE(chain[i].map_identity.has_value());
  }
}

TEST(ChainOfTest, EachHasARequestOfItsOwnAndTheLastTheClients) {
  const std::vector<JobSpec> chain = ChainOf(Chained());
  EXPECT_EQ(chain[2].request_id, "request");
  EXPECT_NE(chain[0].request_id, chain[1].request_id);
}

TEST(ChainOfTest, EachIsReadFromTheJournalAsItWasThoughTheRequestIsAsLongAsItMayBe) {
  JobSpec spec = SampleJobSpec();
  spec.request_id.assign(kMaxNameBytes - 3, 'r');
  spec.before.assign(kMaxStepsBefore, StepSpec{"step", 3});
  for (const JobSpec& step : ChainOf(spec)) {
    const absl::StatusOr<JobSpec> copy = DecodeJobSpec(EncodeJobSpec(step));
    ASSERT_TRUE(copy.ok()) << copy.status();
    EXPECT_EQ(copy->request_id, step.request_id);
    EXPECT_EQ(copy->before, step.before);
  }
}

TEST(ChainOfTest, AJobAloneStaysAsItIs) {
  JobSpec spec = Chained();
  spec.before.clear();
  const std::vector<JobSpec> chain = ChainOf(spec);
  ASSERT_THAT(chain, SizeIs(1));
  EXPECT_THAT(chain[0].inputs, SizeIs(1));
  EXPECT_EQ(chain[0].part_suffix, ".zst");
}

TEST(MakeStoredJobTest, AJobThatReadsAnotherHasAMapForEachPart) {
  const std::vector<JobSpec> chain = ChainOf(Chained());
  const StoredJob last = MakeStoredJob(JobId(3), chain[2], "cluster");
  EXPECT_EQ(last.context.map_count, 3u);
  EXPECT_EQ(last.context.step, 2u);
  EXPECT_THAT(last.splits, IsEmpty());
  EXPECT_FALSE(last.context.probe.has_value());
}

TEST(MakeAttemptSpecTest, AMapOfAChainReadsTheStagedPart) {
  const std::vector<JobSpec> chain = ChainOf(Chained());
  const StoredJob before = MakeStoredJob(JobId(2), chain[1], "cluster");
  const StoredJob last = MakeStoredJob(JobId(3), chain[2], "cluster");
  LaunchAttempt launch{WorkerId(1), AttemptId{Epoch(1), 9}, TaskId{JobId(3), 0, 2}};
  launch.part = StepPart{TaskId{JobId(2), 1, 2}, AttemptId{Epoch(1), 5}, 70};
  AttemptSpec spec = MakeAttemptSpec(launch, last, &before);
  EXPECT_EQ(spec.part_of, launch.part.attempt);
  ASSERT_THAT(spec.split, SizeIs(1));
  EXPECT_EQ(spec.split[0].file.path,
            StagedPartPath("/out", JobKey(JobId(2), "cluster"), 2, launch.part.attempt));
  EXPECT_EQ(spec.split[0].length, 70u);
  launch.part.bytes = 0;
  EXPECT_THAT(MakeAttemptSpec(launch, last, &before).split, IsEmpty());
}

TEST(MakeAttemptSpecTest, ASkippedRecordOfAPartIsLookedForInTheFileThatIsRead) {
  const std::vector<JobSpec> chain = ChainOf(Chained());
  const StoredJob before = MakeStoredJob(JobId(2), chain[1], "cluster");
  const StoredJob last = MakeStoredJob(JobId(3), chain[2], "cluster");
  LaunchAttempt launch{WorkerId(1), AttemptId{Epoch(1), 9}, TaskId{JobId(3), 0, 2}};
  launch.part = StepPart{TaskId{JobId(2), 1, 2}, AttemptId{Epoch(1), 5}, 70};
  launch.one_by_one = true;
  launch.skip = {InputRecord{StepPartName(JobId(2), 2), 14, 7}};
  const AttemptSpec spec = MakeAttemptSpec(launch, last, &before);
  ASSERT_THAT(spec.split, SizeIs(1));
  EXPECT_THAT(spec.skip, ElementsAre(InputRecord{spec.split[0].file.path, 14, 7}));
}

}  // namespace
}  // namespace millrace
