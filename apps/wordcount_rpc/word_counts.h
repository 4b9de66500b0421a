// How often each word stands in a text. Pure functions; any thread.
#ifndef MILLRACE_APPS_WORDCOUNT_RPC_WORD_COUNTS_H_
#define MILLRACE_APPS_WORDCOUNT_RPC_WORD_COUNTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace millrace {

using WordCounts = std::map<std::string, uint64_t>;  // sorted by word, in byte order

// Words are what stands between ASCII white space; any other byte may be part of one.
WordCounts CountWords(std::string_view text);

// "map[I:1 am:1 bye:3]"; of no words "map[]".
std::string FormatCounts(const WordCounts& counts);

}  // namespace millrace

#endif  // MILLRACE_APPS_WORDCOUNT_RPC_WORD_COUNTS_H_
