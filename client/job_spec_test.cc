// From flags to what is submitted, on files in memory.
#include "client/job_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include "absl/strings/str_cat.h"
#include "storage/memory_file_system.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class JobSpecTest : public testing::Test {
 protected:
  JobSpecTest() {
    EXPECT_TRUE(fs_.CreateFolders("/home/ann/in").ok());
    EXPECT_TRUE(WriteFileAtomically(fs_, "/home/ann/in/b", "two").ok());
    EXPECT_TRUE(WriteFileAtomically(fs_, "/home/ann/in/a", "seven..").ok());
    options_.inputs = {"in"};
    options_.output = "/home/ann/out";
    options_.reducers = 3;
    job_.name = "wordcount";
    job_.aggregate = Aggregate::kSum;
  }

  absl::StatusOr<JobSpec> Make() {
    return MakeJobSpec(fs_, options_, job_, {{"wordcount", "--input=in"}, "/home/ann"}, &remark_);
  }

  MemoryFileSystem fs_;
  JobOptions options_;
  JobDescription job_;
  std::string remark_;
};

TEST_F(JobSpecTest, HoldsTheInputsInOrderAndTheCommandAsGiven) {
  const absl::StatusOr<JobSpec> spec = Make();
  ASSERT_TRUE(spec.ok()) << spec.status();
  ASSERT_THAT(spec->inputs, SizeIs(2));
  EXPECT_EQ(spec->inputs[0].path, "/home/ann/in/a");
  EXPECT_EQ(TotalBytes(spec->inputs), 10u);
  EXPECT_THAT(spec->argv, ElementsAre("wordcount", "--input=in"));
  EXPECT_EQ(spec->output_folder, "/home/ann/out");
  EXPECT_EQ(spec->reducers, 3u);
  EXPECT_TRUE(spec->aggregated);
}

TEST_F(JobSpecTest, SeveralPatternsAreSeparatedByCommas) {
  options_.inputs = {"in/b,in/a"};
  const absl::StatusOr<JobSpec> spec = Make();
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->inputs[0].path, "/home/ann/in/b");
}

TEST_F(JobSpecTest, AFileThatIsNamedTwiceIsReadOnceAndPeopleAreTold) {
  options_.inputs = {"in/a,in/b"};
  ASSERT_TRUE(Make().ok());
  EXPECT_EQ(remark_, "");
  options_.inputs = {"in/a,in"};
  const absl::StatusOr<JobSpec> spec = Make();
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_THAT(spec->inputs, SizeIs(2));
  EXPECT_THAT(remark_, HasSubstr("are read once: /home/ann/in/a"));
}

TEST_F(JobSpecTest, AReportOverAnInputFileIsRefused) {
  options_.joblog = "/home/ann/in/b";
  EXPECT_THAT(std::string(Make().status().message()),
              HasSubstr("--joblog=/home/ann/in/b: is an input file of this job"));
}

TEST_F(JobSpecTest, TwoSubmissionsOfOneCommandAreTwoJobs) {
  EXPECT_NE(Make()->request_id, Make()->request_id);
}

std::string Zstd(const std::string& content) {
  std::string packed(ZSTD_compressBound(content.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), content.data(), content.size(), 1));
  return packed;
}

TEST_F(JobSpecTest, AZstdFileIsCutAtItsFrames) {
  const std::string frame = Zstd("one\n");
  ASSERT_TRUE(WriteFileAtomically(fs_, "/home/ann/in/c.zst", frame + frame + frame).ok());
  options_.split_bytes = 1;
  EXPECT_THAT(Make()->inputs[2].cuts, ElementsAre(frame.size(), 2 * frame.size()));
}

TEST_F(JobSpecTest, ADamagedFrameIsRefusedUnlessTheJobMaySkipIt) {
  const std::string frame = Zstd("one\n");
  std::string damaged = frame;
  damaged[0] ^= 1;
  ASSERT_TRUE(WriteFileAtomically(fs_, "/home/ann/in/c.zst", frame + frame + damaged + frame).ok());
  options_.split_bytes = 1;
  const std::string refused =
      absl::StrCat("/home/ann/in/c.zst:", 2 * frame.size(), ": no zstd frame begins here");
  EXPECT_TRUE(absl::IsInvalidArgument(Make().status()));
  EXPECT_THAT(std::string(Make().status().message()), HasSubstr(refused));
  options_.skip_bad_records = 1;
  EXPECT_THAT(Make()->inputs[2].cuts, ElementsAre(frame.size()));
  options_.placement = Placement::kInline;  // which skips nothing
  EXPECT_THAT(std::string(Make().status().message()), HasSubstr(refused));
}

TEST_F(JobSpecTest, InputsAndOutputsThatCannotBeUsedAreNamed) {
  options_.inputs = {"nowhere"};
  EXPECT_THAT(std::string(Make().status().message()), HasSubstr("/home/ann/nowhere"));
  options_.inputs = {"in"};
  options_.output = "/home/ann/in/out";
  EXPECT_THAT(std::string(Make().status().message()), HasSubstr("inside"));
}

// It is made when the job is handed to the master: a command that submits nothing leaves nothing.
TEST_F(JobSpecTest, AFolderForMapOutputsTravelsWithTheJobAndIsNotMade) {
  options_.keep_folder = "/home/ann/keep";
  EXPECT_EQ(Make()->keep_folder, "/home/ann/keep");
  EXPECT_FALSE(fs_.Stat("/home/ann/keep").ok());
}

TEST_F(JobSpecTest, AFolderForMapOutputsInTheInputIsRefused) {
  options_.keep_folder = "/home/ann/in/keep";
  EXPECT_THAT(std::string(Make().status().message()),
              HasSubstr("--keep_intermediate=/home/ann/in/keep lies inside the input folder"));
}

TEST_F(JobSpecTest, AJobInThisProcessKeepsNothing) {
  options_.keep_folder = "/home/ann/keep";
  options_.placement = Placement::kInline;
  EXPECT_EQ(Make()->keep_folder, "");
  EXPECT_FALSE(fs_.Stat("/home/ann/keep").ok());
}

TEST(EnvironmentForJobsTest, KeepsWhatMeansTheSameElsewhere) {
  EXPECT_THAT(EnvironmentForJobs({"PATH=/bin", "SSH_AUTH_SOCK=/x", "LC_ALL=C", "TMPDIR=/t",
                                  "PATHOLOGY=1", "TZ=UTC"}),
              ElementsAre("PATH=/bin", "LC_ALL=C", "TZ=UTC"));
}

TEST(IdentifyOwnBinaryTest, NamesThisTest) {
  const absl::StatusOr<JobBinary> binary = IdentifyOwnBinary();
  ASSERT_TRUE(binary.ok()) << binary.status();
  EXPECT_THAT(binary->path, HasSubstr("job_spec_test"));
  EXPECT_THAT(binary->sha256, SizeIs(64));
  EXPECT_GT(binary->size, 0u);
}

TEST(JobDraftTest, TheJobsOfAChainShareTheNumberOfPartsButForThoseThatHaveTheirOwn) {
  std::vector<JobDescription> chain(3);
  chain[0].name = "count";
  chain[1].name = "merge";
  chain[1].reducers = 2;
  chain[2].name = "top";
  chain[2].reducers = 1;
  chain[2].output.zstd = true;
  JobDraft draft;
  draft.total_order = true;
  draft.key_sample = {"a", "b", "c", "d"};
  draft.AddChain(chain);
  draft.SetReducers(4);
  EXPECT_EQ(draft.spec.name, "top");
  EXPECT_EQ(draft.spec.part_suffix, ".zst");
  EXPECT_EQ(draft.spec.reducers, 1u);
  EXPECT_THAT(draft.spec.before, ElementsAre(StepSpec{"count", 4}, StepSpec{"merge", 2}));
  EXPECT_THAT(draft.spec.split_keys, SizeIs(3));
}

TEST(JobDraftTest, ATotalOrderHasItsSplitKeysWhateverTheSampleFound) {
  JobDraft draft;
  draft.total_order = true;
  draft.SetReducers(4);
  EXPECT_THAT(draft.spec.split_keys, ElementsAre("", "", ""));
}

TEST(JobDraftTest, AJobWithoutATotalOrderHasNone) {
  JobDraft draft;
  draft.SetReducers(4);
  EXPECT_THAT(draft.spec.split_keys, SizeIs(0));
}

}  // namespace
}  // namespace millrace
