#include "client/reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/faulty_file_system.h"
#include "storage/memory_file_system.h"
#include "storage/paths.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint64_t kPlenty = 1 << 20;

TEST(ReportsTest, AreWrittenWhereTheyWereAskedFor) {
  MemoryFileSystem fs;
  ASSERT_TRUE(fs.CreateFolders("/logs").ok());
  JobOptions options;
  options.summary_json = "/logs/summary";
  options.joblog = "/logs/attempts";
  ASSERT_TRUE(CheckReportPaths(fs, options).ok());
  JobView view;
  view.job = JobId(3);
  ASSERT_TRUE(WriteReports(fs, options, view, {AttemptView()}).ok());
  EXPECT_THAT(*ReadFile(fs, "/logs/summary", kPlenty), StartsWith("{\"job\": \"job-3\""));
  EXPECT_THAT(*ReadFile(fs, "/logs/attempts", kPlenty), HasSubstr("\nmap-00000\t"));
}

TEST(ReportsTest, NothingIsWrittenUnasked) {
  MemoryFileSystem fs;
  EXPECT_TRUE(CheckReportPaths(fs, JobOptions()).ok());
  EXPECT_TRUE(WriteReports(fs, JobOptions(), JobView(), {}).ok());
}

TEST(ReportsTest, AMissingFolderIsNamedBeforeTheJobRuns) {
  MemoryFileSystem fs;
  JobOptions options;
  options.joblog = "/nowhere/attempts";
  EXPECT_THAT(std::string(CheckReportPaths(fs, options).message()),
              HasSubstr("--joblog=/nowhere/attempts: there is no folder /nowhere"));
}

TEST(ReportsTest, AFolderInTheirPlaceIsRefusedBeforeTheJobRuns) {
  MemoryFileSystem fs;
  ASSERT_TRUE(fs.CreateFolders("/logs").ok());
  JobOptions options;
  options.summary_json = "/logs";
  EXPECT_THAT(std::string(CheckReportPaths(fs, options).message()),
              HasSubstr("--summary_json=/logs: is a folder"));
}

TEST(ReportsTest, APathThatCannotBeWrittenIsRefusedBeforeTheJobRuns) {
  MemoryFileSystem memory;
  FaultyFileSystem fs(&memory);
  fs.FailEvery(FileOperation::kOpenForWriting, absl::PermissionDeniedError("not yours"));
  JobOptions options;
  options.joblog = "/attempts";
  const absl::Status status = CheckReportPaths(fs, options);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("--joblog: /attempts: not yours"));
}

TEST(ReportsTest, AskingLeavesNothingAndKeepsAnOlderReport) {
  MemoryFileSystem fs;
  ASSERT_TRUE(WriteFileAtomically(fs, "/older", "as it was").ok());
  JobOptions options;
  options.summary_json = "/older";
  options.joblog = "/new";
  ASSERT_TRUE(CheckReportPaths(fs, options).ok());
  EXPECT_EQ(*ReadFile(fs, "/older", kPlenty), "as it was");
  EXPECT_TRUE(absl::IsNotFound(fs.Stat("/new").status()));
}

// --- All parts as one file ---

JobView SucceededJob(const std::string& output_folder) {
  JobView view;
  view.job = JobId(3);
  view.state = JobState::kSucceeded;
  view.output_folder = output_folder;
  return view;
}

TEST(MergedFileTest, AskingLeavesNothingAndKeepsAnOlderOne) {
  MemoryFileSystem fs;
  ASSERT_TRUE(WriteFileAtomically(fs, "/older", "as it was").ok());
  JobOptions options;
  options.output_merged = "/older";
  EXPECT_TRUE(CheckReportPaths(fs, options).ok());
  EXPECT_EQ(*ReadFile(fs, "/older", kPlenty), "as it was");
  options.output_merged = "/new";
  EXPECT_TRUE(CheckReportPaths(fs, options).ok());
  EXPECT_THAT(*fs.List("/"), ElementsAre("older"));
}

// As in a folder where this person may write to the file, and make none beside it.
TEST(MergedFileTest, IsRefusedWhereItCannotBeMadeThoughAnOlderOneCouldBeWritten) {
  MemoryFileSystem memory;
  ASSERT_TRUE(WriteFileAtomically(memory, "/older", "as it was").ok());
  FaultyFileSystem fs(&memory);
  fs.FailEvery(FileOperation::kOpenForWriting, absl::PermissionDeniedError("not yours"));
  JobOptions options;
  options.output_merged = "/older";
  const absl::Status status = CheckReportPaths(fs, options);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("--output_merged: /.older.tmp: not yours"));
}

TEST(MergedFileTest, WhenItCannotBeMadeInTheEndTheReportsAreThereAllTheSame) {
  MemoryFileSystem fs;
  JobOptions options;
  options.output_merged = "/merged";
  options.summary_json = "/summary";
  options.joblog = "/attempts";
  const absl::Status written = WriteReports(fs, options, SucceededJob("/out"), {AttemptView()});
  EXPECT_EQ(written.message(),
            "the job has succeeded, but --output_merged=/merged cannot be made: /out has no "
            "_SUCCESS: there is no complete output (any more)");
  EXPECT_THAT(*fs.List("/"), ElementsAre("attempts", "summary"));
}

// With what only a real file system has.
class MergedFileOnDiskTest : public testing::Test {
 protected:
  MergedFileOnDiskTest() { EXPECT_TRUE(fs_.CreateFolders(Path("out")).ok()); }
  ~MergedFileOnDiskTest() override { EXPECT_TRUE(fs_.RemoveTree(folder_).ok()); }

  std::string Path(const std::string& name) const { return JoinPath(folder_, name); }
  std::string ErrorFor(const std::string& output_merged) {
    JobOptions options;
    options.output_merged = output_merged;
    return std::string(CheckReportPaths(fs_, options).message());
  }

  PosixFileSystem fs_;
  const std::string folder_ = JoinPath(testing::TempDir(), "merged_file_on_disk");
};

TEST_F(MergedFileOnDiskTest, WhatIsNoRegularFileIsNotReplaced) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(ErrorFor(Path("pipe")),
              HasSubstr("--output_merged=" + Path("pipe") + ": is no regular file"));
  EXPECT_THAT(ErrorFor(Path("pipe")), HasSubstr("`millrace cat ID`"));
  EXPECT_THAT(ErrorFor(Path("out")), HasSubstr("is a folder"));
}

TEST_F(MergedFileOnDiskTest, ALinkStaysAndTheFileThatItNamesIsReplaced) {
  ASSERT_TRUE(WriteFileAtomically(fs_, Path("out/part-00000-of-00001"), "new\n").ok());
  ASSERT_TRUE(WriteFileAtomically(fs_, Path("out/_SUCCESS"), "{}").ok());
  ASSERT_TRUE(WriteFileAtomically(fs_, Path("file"), "old\n").ok());
  ASSERT_EQ(symlink(Path("file").c_str(), Path("link").c_str()), 0);
  EXPECT_EQ(ErrorFor(Path("link")), "");
  JobOptions options;
  options.output_merged = Path("link");
  EXPECT_TRUE(WriteReports(fs_, options, SucceededJob(Path("out")), {}).ok());
  EXPECT_EQ(*ReadFile(fs_, Path("file"), kPlenty), "new\n");
  EXPECT_EQ(*fs_.RealPath(Path("link")), *fs_.RealPath(Path("file")));
}

TEST_F(MergedFileOnDiskTest, ALinkToNothingIsRefused) {
  ASSERT_EQ(symlink(Path("nothing").c_str(), Path("link").c_str()), 0);
  EXPECT_THAT(ErrorFor(Path("link")), HasSubstr("is a link to a file that is not there"));
}

// --- Input ---

class ReportsOverInputTest : public testing::Test {
 protected:
  ReportsOverInputTest() {
    EXPECT_TRUE(fs_.CreateFolders(folder_).ok());
    Put("a", "some words");
    Put("b", "some words");
    Put("list", "a");
    inputs_ = *ExpandInputs(fs_, {"a", "b", "@list"}, folder_);
  }
  ~ReportsOverInputTest() override { EXPECT_TRUE(fs_.RemoveTree(folder_).ok()); }

  std::string Path(const std::string& name) const { return JoinPath(folder_, name); }
  void Put(const std::string& name, const std::string& text) {
    EXPECT_TRUE(WriteFileAtomically(fs_, Path(name), text).ok());
  }
  std::string ErrorFor(const std::string& summary_json) {
    JobOptions options;
    options.summary_json = summary_json;
    return std::string(CheckReportsSpareInput(fs_, options, inputs_).message());
  }

  PosixFileSystem fs_;
  const std::string folder_ = JoinPath(testing::TempDir(), "reports_over_input");
  InputList inputs_;
};

TEST_F(ReportsOverInputTest, AnInputFileIsRefused) {
  EXPECT_THAT(ErrorFor(Path("b")),
              HasSubstr("--summary_json=" + Path("b") + ": is an input file of this job"));
  JobOptions options;
  options.joblog = Path("a");
  EXPECT_THAT(std::string(CheckReportsSpareInput(fs_, options, inputs_).message()),
              HasSubstr("--joblog=" + Path("a")));
}

TEST_F(ReportsOverInputTest, SoIsALinkToOneOfEitherKind) {
  ASSERT_EQ(link(Path("a").c_str(), Path("hard").c_str()), 0);
  ASSERT_EQ(symlink(Path("a").c_str(), Path("soft").c_str()), 0);
  EXPECT_THAT(ErrorFor(Path("hard")), HasSubstr("(" + Path("a") + ")"));
  EXPECT_THAT(ErrorFor(Path("soft")), HasSubstr("(" + Path("a") + ")"));
}

TEST_F(ReportsOverInputTest, SoIsAListOfInputFiles) {
  EXPECT_THAT(ErrorFor(Path("list")), HasSubstr("is an input file"));
}

TEST_F(ReportsOverInputTest, OtherFilesAreFine) {
  Put("other", "some words");
  EXPECT_EQ(ErrorFor(Path("other")), "");
  EXPECT_EQ(ErrorFor(Path("new")), "");
  EXPECT_EQ(ErrorFor("/dev/null"), "");
}

}  // namespace
}  // namespace millrace
