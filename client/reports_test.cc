#include "client/reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/faulty_file_system.h"
#include "storage/memory_file_system.h"

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

}  // namespace
}  // namespace millrace
