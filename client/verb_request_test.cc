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

TEST(ReadVerbTest, MistakesAreAnsweredWithWhatIsMeant) {
  EXPECT_THAT(ErrorOf({}), HasSubstr("jobs, job, wait, cancel, attempts, workers"));
  EXPECT_THAT(ErrorOf({"worker"}), HasSubstr("did you mean 'workers'?"));
  EXPECT_THAT(ErrorOf({"frobnicate"}), HasSubstr("known are jobs, job"));
  EXPECT_THAT(ErrorOf({"job"}), HasSubstr("needs a job"));
  EXPECT_THAT(ErrorOf({"job", "x"}), HasSubstr("'x' is no job"));
  EXPECT_THAT(ErrorOf({"job", "0"}), HasSubstr("'0' is no job"));
  EXPECT_THAT(ErrorOf({"jobs", "3"}), HasSubstr("'3' is one argument too many"));
}

}  // namespace
}  // namespace millrace
