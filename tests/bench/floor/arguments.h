// A command line of --name=number, --name and plain words, in any order.
#ifndef MILLRACE_TESTS_BENCH_FLOOR_ARGUMENTS_H_
#define MILLRACE_TESTS_BENCH_FLOOR_ARGUMENTS_H_

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace floor_bench {

class Arguments {
 public:
  // `usage` is what is printed where `words`, the least number of plain words, is not reached, or a
  // flag is none of `numbers`, which has the defaults.
  Arguments(int argc, char** argv, const char* usage, size_t words,
            std::map<std::string, int> numbers)
      : numbers_(std::move(numbers)) {
    bool good = true;
    for (int i = 1; i < argc; ++i) good &= Take(argv[i]);
    if (good && words_.size() >= words) return;
    std::fprintf(stderr, "usage: %s %s\n", argv[0], usage);
    std::exit(2);
  }

  int Number(const std::string& name) const { return numbers_.at(name); }
  const std::vector<std::string>& words() const { return words_; }

 private:
  bool Take(const std::string& argument) {
    if (argument.compare(0, 2, "--") != 0) {
      words_.push_back(argument);
      return true;
    }
    const size_t equals = argument.find('=');
    const auto flag = numbers_.find(argument.substr(2, equals - 2));
    if (flag == numbers_.end()) return false;
    flag->second = equals == std::string::npos ? 1 : std::atoi(argument.c_str() + equals + 1);
    return true;
  }

  std::map<std::string, int> numbers_;
  std::vector<std::string> words_;
};

}  // namespace floor_bench

#endif  // MILLRACE_TESTS_BENCH_FLOOR_ARGUMENTS_H_
