#include "apps/wordcount_rpc/word_counts.h"

#include <algorithm>

namespace millrace {
namespace {

constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";

}  // namespace

WordCounts CountWords(std::string_view text) {
  WordCounts counts;
  size_t begin = text.find_first_not_of(kWhiteSpace);
  while (begin != std::string_view::npos) {
    const size_t end = std::min(text.find_first_of(kWhiteSpace, begin), text.size());
    ++counts[std::string(text.substr(begin, end - begin))];
    begin = text.find_first_not_of(kWhiteSpace, end);
  }
  return counts;
}

std::string FormatCounts(const WordCounts& counts) {
  std::string text = "map[";
  for (const auto& [word, count] : counts) {
    if (text.back() != '[') text += ' ';
    text += word + ":" + std::to_string(count);
  }
  return text + "]";
}

}  // namespace millrace
