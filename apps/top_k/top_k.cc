// The most frequent words: a chain of two jobs, of which the second reads what the first writes.
//
//   top_k --input=/usr/share/common-licenses --output=/tmp/out --k=20
//
// The first counts words. Each map of the second reads a part of the counts and keeps the k largest
// of it, so that its one reduce gets k pairs a part, whatever the input.
#include <gflags/gflags.h>

#include <algorithm>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "client/launcher.h"
#include "mapreduce/job.h"
#include "mapreduce/mapper.h"
#include "mapreduce/reducer.h"

DEFINE_uint32(k, 10, "How many words are kept; of words that are as frequent the first by name.");

namespace {

class WordMapper : public millrace::Mapper {
 public:
  void Map(const millrace::MapInput& input) override {
    input.ForEachWord([this](std::string_view word) { Emit(word, 1); });
  }
};

struct Count {
  int64_t count;
  std::string word;

  // Whether `a` comes first in the output.
  friend bool operator<(const Count& a, const Count& b) {
    return a.count != b.count ? a.count > b.count : a.word < b.word;
  }
};

class LargestMapper : public millrace::Mapper {
 public:
  void Map(const millrace::MapInput& input) override {
    input.ForEachPair([this](std::string_view word, std::string_view count) {
      int64_t number = 0;
      (void)absl::SimpleAtoi(absl::string_view(count.data(), count.size()), &number);
      if (largest_.size() == FLAGS_k && number < largest_.top().count) return;  // most of them
      largest_.push({number, std::string(word)});
      if (largest_.size() > FLAGS_k) largest_.pop();
    });
  }

  // One key, so that one call of the reducer sees them all.
  void Finish() override {
    for (; !largest_.empty(); largest_.pop()) {
      Emit("", std::to_string(largest_.top().count) + " " + largest_.top().word);
    }
  }

 private:
  std::priority_queue<Count> largest_;  // its top is the last of them
};

class LargestReducer : public millrace::Reducer {
 public:
  void Reduce(millrace::ReduceInput& input) override {
    std::vector<Count> all;
    for (; !input.done(); input.NextValue()) {
      const std::string_view value = input.value();
      const size_t space = value.find(' ');
      int64_t number = 0;
      (void)absl::SimpleAtoi(absl::string_view(value.data(), space), &number);
      all.push_back({number, std::string(value.substr(space + 1))});
    }
    const size_t kept = std::min<size_t>(all.size(), FLAGS_k);
    std::partial_sort(all.begin(), all.begin() + kept, all.end());
    for (size_t i = 0; i < kept; ++i) Emit(all[i].word, std::to_string(all[i].count));
  }
};

absl::StatusOr<millrace::JobDescription> Describe() {
  if (FLAGS_k == 0) return absl::InvalidArgumentError("--k=0: keep one word at least");
  auto count = std::make_shared<millrace::JobDescription>();
  count->name = "count";
  count->aggregate = millrace::Aggregate::kSum;
  count->mapper = [] { return std::make_unique<WordMapper>(); };
  count->map_parameters.emplace();  // --k is none of its maps' business
  millrace::JobDescription top;
  top.name = "top_k";
  top.after = count;
  top.mapper = [] { return std::make_unique<LargestMapper>(); };
  top.reducer = [] { return std::make_unique<LargestReducer>(); };
  top.reducers = 1;
  return top;
}

}  // namespace

int main(int argc, char** argv) {
  millrace::Usage usage;
  usage.summary =
      "Finds the most frequent words. The output holds lines word<TAB>count, the largest count "
      "first.";
  usage.flags = {"k"};
  return millrace::Main(argc, argv, usage, Describe);
}
