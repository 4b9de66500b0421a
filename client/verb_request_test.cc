#include "client/verb_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(const std::vector<std::string>& arguments) {
  return std::string(ReadVerb(arguments).status().message());
}

TEST(ReadVerbTest, AJobIsNamedWithOrWithoutItsPrefix) {
  EXPECT_EQ(ReadVerb({"wait", "job-3"})->job, JobId(3));
  EXPECT_EQ(ReadVerb({"wait", "3"})->job, JobId(3));
  EXPECT_EQ(ReadVerb({"cancel", "3"})->verb, Verb::kCancel);
}

TEST(ReadVerbTest, VerbsAboutTheClusterNeedNoJob) {
  EXPECT_EQ(ReadVerb({"workers"})->verb, Verb::kWorkers);
  EXPECT_FALSE(ReadVerb({"jobs"})->job.is_set());
}

TEST(ReadVerbTest, ATaskIsNamedAsInTables) {
  const VerbRequest request = *ReadVerb({"lineage", "3", "reduce-00002"});
  EXPECT_EQ(request.verb, Verb::kLineage);
  EXPECT_EQ(request.task, (TaskId{JobId(3), 1, 2}));
  EXPECT_EQ(ReadVerb({"lineage", "job-3", "map-12"})->task, (TaskId{JobId(3), 0, 12}));
  EXPECT_THAT(ErrorOf({"lineage", "3"}), HasSubstr("needs a job and a task"));
  for (const char* text :
       {"12", "map", "map-", "map--1", "map-x", "maps-1", "reduce-99999999999"}) {
    EXPECT_THAT(ErrorOf({"lineage", "3", text}), HasSubstr("is no task")) << text;
  }
}

TEST(ReadVerbTest, ATaskMayBeLeftOutWhereTheWholeJobIsMeant) {
  EXPECT_FALSE(ReadVerb({"logs", "3"})->task.job.is_set());
  EXPECT_EQ(ReadVerb({"logs", "3", "map-12"})->task, (TaskId{JobId(3), 0, 12}));
  EXPECT_THAT(ErrorOf({"logs"}), HasSubstr("'logs' needs a job: millrace logs job-3"));
  EXPECT_THAT(ErrorOf({"logs", "3", "map-1", "map-2"}), HasSubstr("'map-2' is one argument too"));
}

TEST(ReadVerbTest, MistakesAreAnsweredWithWhatIsMeant) {
  EXPECT_THAT(ErrorOf({}), HasSubstr("jobs, job, wait, cancel, attempts, logs, workers, lineage, "
                                     "diagnose, cat"));
  EXPECT_THAT(ErrorOf({"worker"}), HasSubstr("did you mean 'workers'?"));
  EXPECT_THAT(ErrorOf({"frobnicate"}), HasSubstr("known are jobs, job"));
  EXPECT_THAT(ErrorOf({"job"}), HasSubstr("needs a job"));
  EXPECT_THAT(ErrorOf({"job", "x"}), HasSubstr("'x' is no job"));
  EXPECT_THAT(ErrorOf({"job", "0"}), HasSubstr("'0' is no job"));
  EXPECT_THAT(ErrorOf({"jobs", "3"}), HasSubstr("'3' is one argument too many"));
}

}  // namespace
}  // namespace millrace
