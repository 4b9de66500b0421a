#include "client/reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace millrace
