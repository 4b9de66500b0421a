// A chain of two jobs, of which each counts what it sees. The first hands on the words of its
// input, the second writes them.
//
// Counters of the group "relay", for each job N of the chain, from 0:
//
//   job-N-records           records that its maps have seen
//   job-N-maps-with-TEXT    maps that found TEXT in the side file `shared`
#include <gflags/gflags.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "client/launcher.h"
#include "mapreduce/job.h"
#include "mapreduce/mapper.h"

DEFINE_string(file, "", "Absolute path of a file that both jobs have as their side file `shared`.");
DEFINE_string(second_file, "", "Another one, which the second job has in its place.");

namespace {

constexpr char kFileName[] = "shared";

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class CountingMapper : public millrace::Mapper {
 public:
  void Start() override {
    const std::string job = "job-" + Variable("MILLRACE_STEP");
    records_ = GetCounter("relay", job + "-records");
    if (FLAGS_file.empty()) return;
    std::ifstream file(Variable("MILLRACE_FILES") + "/" + kFileName);
    std::string text;
    std::getline(file, text);
    GetCounter("relay", job + "-maps-with-" + text)->Increment();
  }

 protected:
  void Count() { records_->Increment(); }

 private:
  millrace::Counter* records_ = nullptr;
};

class WordMapper : public CountingMapper {
 public:
  void Map(const millrace::MapInput& input) override {
    input.ForEachWord([this](std::string_view word) {
      Count();
      Emit(word, "seen");
    });
  }
};

class PairMapper : public CountingMapper {
 public:
  void Map(const millrace::MapInput& input) override {
    input.ForEachPair([this](std::string_view key, std::string_view value) {
      Count();
      Emit(key, value);
    });
  }
};

absl::StatusOr<millrace::JobDescription> Describe() {
  auto first = std::make_shared<millrace::JobDescription>();
  first->name = "first";
  first->mapper = [] { return std::make_unique<WordMapper>(); };
  millrace::JobDescription second;
  second.name = "second";
  second.after = first;
  second.mapper = [] { return std::make_unique<PairMapper>(); };
  if (!FLAGS_file.empty()) {
    const std::string& other = FLAGS_second_file.empty() ? FLAGS_file : FLAGS_second_file;
    first->side_files.push_back({FLAGS_file, kFileName});
    second.side_files.push_back({other, kFileName});
  }
  return second;
}

}  // namespace

int main(int argc, char** argv) {
  millrace::Usage usage;
  usage.summary = "Hands words through two jobs, which count them; for tests.";
  usage.flags = {"file", "second_file"};
  return millrace::Main(argc, argv, usage, Describe);
}
