// Numbers of things, as people write them.
#ifndef MILLRACE_MAPREDUCE_COUNT_TEXT_H_
#define MILLRACE_MAPREDUCE_COUNT_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

namespace millrace {

// "1 task", "2 tasks", "0 tasks". For nouns that take an s.
inline std::string CountText(uint64_t count, const char* noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_COUNT_TEXT_H_
