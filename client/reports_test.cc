#include "client/reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "storage/faulty_file_system.h"
#include "storage/memory_file_system.h"
#include "storage/paths.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

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
