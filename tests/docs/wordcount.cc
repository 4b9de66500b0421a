#include "client/launcher.h"
#include "mapreduce/job.h"

class WordMapper : public millrace::Mapper {
 public:
  void Map(const millrace::MapInput& input) override {
    input.ForEachWord([this](std::string_view word) { Emit(word, 1); });
  }
};

int main(int argc, char** argv) {
  millrace::Usage usage;
  usage.summary = "Counts words.";
  return millrace::Main(argc, argv, usage, []() -> absl::StatusOr<millrace::JobDescription> {
    millrace::JobDescription job;
    job.name = "wordcount";
    job.mapper = [] { return std::make_unique<WordMapper>(); };
    job.aggregate = millrace::Aggregate::kSum;
    return job;
  });
}
