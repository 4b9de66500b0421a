#include "tests/docs/anagrams.h"

#include <gflags/gflags.h>

#include <memory>
#include <string>
#include <vector>

#include "client/launcher.h"
#include "mapreduce/job.h"

DEFINE_uint32(smallest_group, 2, "Words that have to share their letters.");

int main(int argc, char** argv) {
  millrace::Usage usage;
  usage.summary = "Finds words that are anagrams of each other.";
  usage.flags = {"smallest_group"};
  return millrace::Main(argc, argv, usage, []() -> absl::StatusOr<millrace::JobDescription> {
    millrace::JobDescription job;
    job.name = "anagrams";
    job.mapper = [] { return std::make_unique<AnagramMapper>(); };
    job.combiner = [] { return std::make_unique<DistinctWords>(); };
    job.reducer = [] { return std::make_unique<AnagramReducer>(FLAGS_smallest_group); };
    job.map_parameters = std::vector<std::string>();  // the flag is the reducer's alone
    return job;
  });
}
