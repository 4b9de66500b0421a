// Programs of /bin as reducers.
#include "apps/streaming/streaming_reducer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "mapreduce/testing.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class StreamingReducerTest : public ::testing::Test {
 protected:
  StreamingReducerTest() {
    job_.folder = "/";
    setenv("MILLRACE_WORKER", "inline", 1);
    setenv("MILLRACE_TASK", "reduce-00002", 1);
  }
  TextPairs Reduce(const Command& command, const std::vector<std::string>& values) {
    job_.reducer = command;
    StreamingReducer reducer(job_);
    return RunReducer(reducer, "key", values);
  }

  StreamingJob job_;
};

TEST_F(StreamingReducerTest, SortedPairsGoInAndLinesComeOut) {
  EXPECT_THAT(Reduce({"cat"}, {"1", "2\tb", ""}),
              ElementsAre(Pair("", "key\t1"), Pair("", "key\t2\tb"), Pair("", "key\t")));
  EXPECT_THAT(Reduce({"wc", "-l"}, {"1", "2"}), ElementsAre(Pair("", "2")));
}

TEST_F(StreamingReducerTest, ManyValuesNeedNotFitIntoAPipe) {
  const std::vector<std::string> values(3, std::string(1 << 20, 'x'));
  EXPECT_EQ(Reduce({"cat"}, values).size(), 3u);
}

TEST_F(StreamingReducerTest, AFailureIsNamed) {
  try {
    Reduce({"sh", "-c", "exit 7"}, {"1"});
    FAIL() << "should have thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the reducer 'sh -c exit 7' exited with 7"));
  }
}

TEST_F(StreamingReducerTest, WithoutAProgramPairsAreLines) {
  LineReducer reducer;
  EXPECT_THAT(RunReducer(reducer, "key", {"1", ""}),
              ElementsAre(Pair("", "key\t1"), Pair("", "key\t")));
}

}  // namespace
}  // namespace millrace
