// Counts words: the first example of every MapReduce, and all that a job has to say.
//
//   wordcount --input=/usr/share/common-licenses --output=/tmp/out
#include <gflags/gflags.h>

#include <memory>
#include <string_view>

#include "client/launcher.h"
#include "mapreduce/job.h"
#include "mapreduce/letters.h"
#include "mapreduce/mapper.h"

DEFINE_string(tokens, "fields",
              "What a word is. fields: what stands between ASCII white space; letters: a maximal "
              "run of Unicode letters in UTF-8 text.");

namespace {

class FieldMapper : public millrace::Mapper {
 public:
  void Map(const millrace::MapInput& input) override {
    input.ForEachWord([this](std::string_view word) { Emit(word, 1); });
  }
};

class LetterMapper : public millrace::Mapper {
 public:
  void Map(const millrace::MapInput& input) override {
    millrace::ForEachLetterRun(input, [this](std::string_view word) { Emit(word, 1); });
  }
};

absl::StatusOr<millrace::JobDescription> Describe() {
  millrace::JobDescription job;
  job.name = "wordcount";
  job.aggregate = millrace::Aggregate::kSum;
  if (FLAGS_tokens == "fields") {
    job.mapper = [] { return std::make_unique<FieldMapper>(); };
  } else if (FLAGS_tokens == "letters") {
    job.mapper = [] { return std::make_unique<LetterMapper>(); };
  } else {
    return absl::InvalidArgumentError("--tokens=" + FLAGS_tokens +
                                      ": needs one of fields, letters");
  }
  return job;
}

}  // namespace

int main(int argc, char** argv) {
  millrace::Usage usage;
  usage.summary =
      "Counts words. Each part of the output holds lines word<TAB>count, sorted by word.";
  usage.flags = {"tokens"};
  return millrace::Main(argc, argv, usage, Describe);
}
