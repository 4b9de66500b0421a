// Runs a mapper or a reducer on strings, for the tests of jobs.
//
//   TEST(WordMapperTest, SplitsAtWhiteSpace) {
//     WordMapper mapper;
//     EXPECT_THAT(RunMapper(mapper, "to be"), ElementsAre(Pair("to", "1"), Pair("be", "1")));
//   }
//   TEST(LongestTest, KeepsTheLongest) {
//     Longest reducer;
//     EXPECT_THAT(RunReducer(reducer, "key", {"a", "ccc", "bb"}), ElementsAre(Pair("key", "ccc")));
//   }
//
// Integers appear as their decimal text. A mapper or reducer that calls Fail makes these functions
// throw std::runtime_error with its message.
#ifndef MILLRACE_MAPREDUCE_TESTING_H_
#define MILLRACE_MAPREDUCE_TESTING_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mapreduce/counters.h"
#include "mapreduce/mapper.h"
#include "mapreduce/reducer.h"

namespace millrace {

using TextPairs = std::vector<std::pair<std::string, std::string>>;

// Start, Map with `text` as one chunk of the file "/test/input", Finish. Returns the pairs in the
// order in which they were emitted. `counters` may be null.
TextPairs RunMapper(Mapper& mapper, std::string_view text, CounterSet* counters = nullptr);

// Start, Reduce of one key, Finish. Returns what was written. `counters` may be null.
TextPairs RunReducer(Reducer& reducer, std::string_view key, const std::vector<std::string>& values,
                     CounterSet* counters = nullptr);

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_TESTING_H_
