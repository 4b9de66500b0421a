// What --dry_run tells of a job.
#include "client/dry_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kGiB = 1 << 30;

class DryRunTest : public testing::Test {
 protected:
  DryRunTest() {
    spec_.name = "wordcount";
    spec_.output_folder = "/out";
    spec_.split_bytes = 64 * kMiB;
    run_.spec = &spec_;
    run_.options = &options_;
    run_.slots = 2;
    run_.free_bytes = 500 * kGiB;
  }

  InputFile& Add(const std::string& path, uint64_t size) {
    spec_.inputs.push_back(InputFile{path, size, 1});
    return spec_.inputs.back();
  }
  std::string Text() { return DryRunText(run_); }

  JobSpec spec_;
  JobOptions options_;
  DryRun run_;
};

TEST_F(DryRunTest, SaysWhatGoesInWhoWorksAndWhereItGoes) {
  Add("/in/a", 100 * kMiB);
  Add("/in/b", kMiB);
  EXPECT_EQ(Text(),
            "job: wordcount\n"
            "input: 2 files, 101 MiB\n"
            "map tasks: 3, the largest with 50 MiB\n"
            "reduce tasks: 7 (chosen; see --reducers)\n"
            "output: /out, 500 GiB free\n");
}

TEST_F(DryRunTest, PartsThatWereAskedForAreNotChosen) {
  Add("/in/a", kMiB);
  options_.reducers = 3;
  EXPECT_THAT(Text(), HasSubstr("reduce tasks: 3\n"));
  options_.reducers = 0;
  EXPECT_THAT(Text(), HasSubstr("reduce tasks: none; each map task writes a part\n"));
}

TEST_F(DryRunTest, WithoutKnownSlotsTheRuleIsSaid) {
  Add("/in/a", kMiB);
  run_.slots.reset();
  EXPECT_THAT(Text(), HasSubstr("reduce tasks: 8 for each slot of the cluster"));
}

TEST_F(DryRunTest, FilesThatCannotBeCutAreNamedWithTheReason) {
  Add("/in/a.gz", 100 * kMiB).compression = Compression::kGzip;
  Add("/in/b.zst", 90 * kMiB).compression = Compression::kZstd;
  InputFile& frames = Add("/in/c.zst", 90 * kMiB);
  frames.compression = Compression::kZstd;
  frames.cuts = {70 * kMiB};
  Add("/in/small.gz", kMiB).compression = Compression::kGzip;
  EXPECT_THAT(Text(), HasSubstr("read in one piece each: 2 files, although longer than a split\n"
                                "  /in/a.gz (gzip, 100 MiB)\n"
                                "  /in/b.zst (zstd, not cut at its frames, 90 MiB)\n"));
}

TEST_F(DryRunTest, OfManyFilesThatCannotBeCutFiveAreNamed) {
  spec_.input_format = InputFormat::kWholeFile;
  for (int i = 0; i < 7; ++i) Add("/in/" + std::to_string(i), 65 * kMiB);
  EXPECT_THAT(Text(), HasSubstr("  /in/4 (one record, 65 MiB)\n  and 2 more\n"));
  EXPECT_THAT(Text(), Not(HasSubstr("/in/5")));
}

TEST_F(DryRunTest, OneReducerForMuchInputIsAWarning) {
  Add("/in/a", 100 * kGiB);
  options_.reducers = 1;
  EXPECT_THAT(Text(), HasSubstr("warning: 1 reduce task for 100 GiB of input: up to 100 GiB go "
                                "through each; --reducers takes more\n"));
  options_.reducers = 20;
  EXPECT_THAT(Text(), Not(HasSubstr("warning")));
}

TEST_F(DryRunTest, TooLittleSpaceForTheOutputIsAWarning) {
  Add("/in/a", 2 * kGiB);
  run_.free_bytes = kGiB;
  EXPECT_THAT(Text(), HasSubstr("warning: only 1 GiB are free where the output goes, for 2 GiB"));
}

TEST_F(DryRunTest, OneLongTaskAmongManyIsAWarning) {
  Add("/in/a", kGiB);
  Add("/in/b.gz", kGiB).compression = Compression::kGzip;
  EXPECT_THAT(Text(), HasSubstr("warning: the largest map task has 1 GiB"));
}

TEST_F(DryRunTest, ALargePieceOfWhichASampleSeesTheFrontIsAWarningForATotalOrder) {
  Add("/in/a.gz", 100 * kMiB).compression = Compression::kGzip;
  EXPECT_THAT(Text(), Not(HasSubstr("warning")));
  run_.total_order = true;
  EXPECT_THAT(Text(), HasSubstr("warning: the sample by which parts are chosen may see only the "
                                "front of /in/a.gz (gzip, 100 MiB); if"));
  spec_.inputs[0].compression = Compression::kZstd;
  spec_.inputs[0].cuts = {50 * kMiB};
  EXPECT_THAT(Text(), Not(HasSubstr("warning")));
}

TEST_F(DryRunTest, NoInputIsAWarning) {
  EXPECT_THAT(Text(), HasSubstr("map tasks: 0\n"));
  EXPECT_THAT(Text(), HasSubstr("warning: the input is empty\n"));
}

}  // namespace
}  // namespace millrace
