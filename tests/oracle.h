// The whole of MapReduce in forty lines, without any of its machinery: what every job is compared
// with, byte for byte.
//
//   SequentialRun({"to be or", "not to be"}, EachWordOnce, CountOfValues)
//       == {"be\t2", "not\t1", "or\t1", "to\t2"}
//
// It reads records in order, keeps every pair in memory, and shares no code with the engine: no
// splits, no tokenizer, no hash, no codec.
#ifndef MILLRACE_TESTS_ORACLE_H_
#define MILLRACE_TESTS_ORACLE_H_

#include <functional>
#include <string>
#include <vector>

namespace millrace::oracle {

using Emit = std::function<void(const std::string& key, const std::string& value)>;
// Called for each line, without its end.
using Map = std::function<void(const std::string& line, const Emit& emit)>;
// Returns the value that the output has for the key. `values` are in the order of Emit.
using Reduce =
    std::function<std::string(const std::string& key, const std::vector<std::string>& values)>;

// The lines `key<TAB>value` of all parts, in byte order of the keys. `files` are contents.
std::vector<std::string> SequentialRun(const std::vector<std::string>& files, const Map& map,
                                       const Reduce& reduce);

// Emits each word (what is between white space) with "1".
void EachWordOnce(const std::string& line, const Emit& emit);
std::string CountOfValues(const std::string& key, const std::vector<std::string>& values);

}  // namespace millrace::oracle

#endif  // MILLRACE_TESTS_ORACLE_H_
