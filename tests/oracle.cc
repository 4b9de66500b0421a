#include "tests/oracle.h"

#include <algorithm>
#include <map>

namespace millrace::oracle {

std::vector<std::string> SequentialRun(const std::vector<std::string>& files, const Map& map,
                                       const Reduce& reduce) {
  std::map<std::string, std::vector<std::string>> values;
  const Emit emit = [&values](const std::string& key, const std::string& value) {
    values[key].push_back(value);
  };
  for (const std::string& file : files) {
    for (size_t begin = 0; begin < file.size();) {
      const size_t newline = file.find('\n', begin);
      const size_t next = newline == std::string::npos ? file.size() : newline + 1;
      std::string line = file.substr(begin, next - begin);
      if (!line.empty() && line.back() == '\n') line.pop_back();
      if (!line.empty() && line.back() == '\r') line.pop_back();
      map(line, emit);
      begin = next;
    }
  }
  std::vector<std::string> lines;
  lines.reserve(values.size());
  for (const auto& [key, list] : values) lines.push_back(key + "\t" + reduce(key, list));
  return lines;
}

void EachWordOnce(const std::string& line, const Emit& emit) {
  const std::string spaces = " \t\n\v\f\r";
  for (size_t at = line.find_first_not_of(spaces); at != std::string::npos;) {
    const size_t end = std::min(line.find_first_of(spaces, at), line.size());
    emit(line.substr(at, end - at), "1");
    at = line.find_first_not_of(spaces, end);
  }
}

std::string CountOfValues(const std::string&, const std::vector<std::string>& values) {
  return std::to_string(values.size());
}

}  // namespace millrace::oracle
