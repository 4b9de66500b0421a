// Programs of /bin as combiners.
#include "apps/streaming/streaming_combiner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "mapreduce/testing.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class StreamingCombinerTest : public ::testing::Test {
 protected:
  StreamingCombinerTest() {
    job_.folder = "/";
    setenv("MILLRACE_WORKER", "inline", 1);
  }
  TextPairs Combine(const Command& command, const std::vector<std::string>& values) {
    job_.combiner = command;
    StreamingCombiner combiner(job_);
    return RunReducer(combiner, "key", values);
  }
  std::string Complaint(const Command& command) {
    try {
      Combine(command, {"1"});
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "(none)";
  }

  StreamingJob job_;
};

TEST_F(StreamingCombinerTest, PairsGoInAndFewerComeOut) {
  EXPECT_THAT(Combine({"awk", "{n += $2} END {print $1 \"\\t\" n}"}, {"1", "2", "3"}),
              ElementsAre(Pair("key", "6")));
  EXPECT_THAT(Combine({"cat"}, {"1", "2"}), ElementsAre(Pair("key", "1"), Pair("key", "2")));
}

TEST_F(StreamingCombinerTest, OneThatChangesKeysIsRefused) {
  EXPECT_THAT(Complaint({"sed", "s/key/other/"}),
              HasSubstr("wrote a pair with the key 'other', which it was not given"));
}

TEST_F(StreamingCombinerTest, AFailureIsNamed) {
  EXPECT_THAT(Complaint({"sh", "-c", "exit 2"}), HasSubstr("the combiner 'sh -c exit 2' exited"));
}

}  // namespace
}  // namespace millrace
