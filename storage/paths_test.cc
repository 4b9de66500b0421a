#include "storage/paths.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

const TaskId kTask{JobId(3), 0, 12};
const AttemptId kAttempt{Epoch(1), 17};

TEST(PathsTest, JoinsWithOneSlash) {
  EXPECT_EQ(JoinPath("/a", "b"), "/a/b");
  EXPECT_EQ(JoinPath("/a/", "b"), "/a/b");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
}

TEST(PathsTest, FolderAndNameArePartsOfAPath) {
  EXPECT_EQ(FolderOf("/a/b"), "/a");
  EXPECT_EQ(FolderOf("/a"), "/");
  EXPECT_EQ(BaseName("/a/b"), "b");
  EXPECT_EQ(BaseName("/a"), "a");
}

TEST(PathsTest, RelativePathsAreSeenFromTheBase) {
  EXPECT_EQ(AbsolutePath("/home/ada", "text/a"), "/home/ada/text/a");
  EXPECT_EQ(AbsolutePath("/home/ada", "/text"), "/text");
  EXPECT_EQ(AbsolutePath("/home/ada", "."), "/home/ada");
  EXPECT_EQ(AbsolutePath("/home/ada", "./a//b/./c/"), "/home/ada/a/b/c");
  EXPECT_EQ(AbsolutePath("/", ""), "/");
}

TEST(PathsTest, DotDotIsLeftToTheFileSystem) {
  EXPECT_EQ(AbsolutePath("/home/ada", "../text"), "/home/ada/../text");
}

TEST(PathsTest, InsideMeansTheFolderItselfOrBelowIt) {
  EXPECT_TRUE(IsInside("/a/b", "/a/b"));
  EXPECT_TRUE(IsInside("/a/b/c", "/a/b"));
  EXPECT_TRUE(IsInside("/a", "/"));
  EXPECT_FALSE(IsInside("/a/bc", "/a/b"));
  EXPECT_FALSE(IsInside("/a", "/a/b"));
}

TEST(PathsTest, TemporaryNamesAreHiddenAndInTheSameFolder) {
  EXPECT_EQ(TemporaryName("/a/b"), "/a/.b.tmp");
  EXPECT_TRUE(IsHiddenName(BaseName(TemporaryName("/a/b"))));
}

TEST(PathsTest, UnderscoreAndDotHideAName) {
  EXPECT_TRUE(IsHiddenName("_SUCCESS"));
  EXPECT_TRUE(IsHiddenName(".git"));
  EXPECT_FALSE(IsHiddenName("part-00000-of-00004"));
}

TEST(PathsTest, ScratchFilesCarryTheirAttempt) {
  EXPECT_EQ(ScratchJobFolder("/s", JobId(3)), "/s/job-3");
  EXPECT_EQ(MapOutputPath("/s", kTask, kAttempt), "/s/job-3/stage-0-task-00012-attempt-1-17.run");
  EXPECT_EQ(AttemptFolder("/s", kAttempt), "/s/attempts/attempt-1-17");
  EXPECT_EQ(CachedBinaryPath("/s", "abc"), "/s/binaries/abc");
}

TEST(PathsTest, KeptOutputsAreTheJobsOwnAndHiddenInAFolderOfMany) {
  const std::string folder = KeptFolder("/k", "job-3-ab");
  EXPECT_EQ(folder, "/k/_millrace-job-3-ab");
  EXPECT_TRUE(IsHiddenName(BaseName(folder)));
  EXPECT_EQ(KeptOutputPath(folder, kTask, kAttempt),
            "/k/_millrace-job-3-ab/stage-0-task-00012-attempt-1-17.run");
  EXPECT_EQ(KeptNoncePath(folder), "/k/_millrace-job-3-ab/nonce");
  EXPECT_EQ(KeepNotePath("/o", "job-3-ab"), "/o/_millrace/job-3-ab/keep");
}

TEST(PathsTest, JobKeysTellClustersApart) {
  EXPECT_EQ(JobKey(JobId(3), "0123456789abcdef"), "job-3-01234567");
  EXPECT_TRUE(IsJobKeyOf("job-3-01234567", "0123456789abcdef"));
  EXPECT_FALSE(IsJobKeyOf("job-3-01234567", "fedcba9876543210"));
  EXPECT_FALSE(IsJobKeyOf("job-01234567", "0123456789abcdef"));
  EXPECT_FALSE(IsJobKeyOf("", "0123456789abcdef"));
}

TEST(PathsTest, EverythingUnfinishedInTheOutputIsHidden) {
  EXPECT_EQ(StagingFolder("/o", "job-3-ab"), "/o/_millrace/job-3-ab");
  EXPECT_EQ(StagedPartPath("/o", "job-3-ab", 2, kAttempt),
            "/o/_millrace/job-3-ab/part-00002-attempt-1-17");
  EXPECT_EQ(StepPartName(JobId(3), 2), "/job-3/part-00002");
  EXPECT_EQ(NoncePath("/o", "job-3-ab"), "/o/_millrace/job-3-ab/nonce");
  EXPECT_EQ(ManifestPath("/o"), "/o/_SUCCESS");
  EXPECT_EQ(SkippedPath("/o"), "/o/_skipped");
}

TEST(PathsTest, PartNamesHaveFiveDigitsEach) {
  EXPECT_EQ(PartName(0, 4), "part-00000-of-00004");
  EXPECT_EQ(PartName(99998, 99999), "part-99998-of-99999");
  EXPECT_EQ(PartName(0, 4, kZstdSuffix), "part-00000-of-00004.zst");
  EXPECT_EQ(PartPath("/o", 3, 4), "/o/part-00003-of-00004");
}

TEST(PathsTest, OnlyPartNamesArePartNames) {
  EXPECT_TRUE(IsPartName(PartName(3, 4)));
  EXPECT_TRUE(IsPartName(PartName(100000, 200000)));
  EXPECT_FALSE(IsPartName("part-00003"));
  EXPECT_FALSE(IsPartName("part-3-of-4"));
  EXPECT_FALSE(IsPartName("part-00003-of-00004.bak"));
  EXPECT_TRUE(IsPartName(PartName(3, 4, kZstdSuffix)));
  EXPECT_FALSE(IsPartName("my-part-00003-of-00004"));
}

TEST(PathsTest, StateOfTheMaster) {
  EXPECT_EQ(JournalPath("/state"), "/state/journal.db");
  EXPECT_EQ(LockPath("/state"), "/state/lock");
  EXPECT_EQ(ClusterIdPath("/state"), "/state/cluster_id");
  EXPECT_EQ(UploadedBinaryPath("/state", "abc"), "/state/binaries/abc");
}

}  // namespace
}  // namespace millrace
