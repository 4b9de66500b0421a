// MapReduce with any programs as mapper and reducer, by Hadoop Streaming's rules.
//
//   streaming --mapper='tr -s " " "\n"' --reducer='uniq -c' --input=text --output=out
#include <gflags/gflags.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "apps/streaming/hadoop_flags.h"
#include "apps/streaming/streaming_combiner.h"
#include "apps/streaming/streaming_job.h"
#include "apps/streaming/streaming_mapper.h"
#include "apps/streaming/streaming_reducer.h"
#include "client/launcher.h"
#include "mapreduce/job.h"

DEFINE_string(mapper, "",
              "Command of the mapper. Commands are split into words as a shell would, "
              "and run without one; sh -c '...' starts one.");
DEFINE_string(combiner, "", "Command that folds the pairs of a key before they are sent.");
DEFINE_string(partitioner, "",
              "Command that reads keys, one a line, and writes the number of the "
              "part of each; without one a hash of the key chooses.");
DEFINE_string(reducer, "",
              "Command of the reducer; without one sorted pairs are the output. NONE: "
              "map only, like --reducers=0.");
DEFINE_string(file, "",
              "Files that are sent to the workers; the programs find them in their working folder, "
              "P[#NAME][,P...].");
DEFINE_string(program_version, "",
              "Stands for what the programs do, so that later jobs with the same version may use "
              "map outputs again (--reuse); not needed if all are files of --file.");
DEFINE_string(cmdenv, "", "NAME=VALUE for the programs' environment; may be given many times.");
DEFINE_string(define, "", "NAME=VALUE, a property as of Hadoop's -D; may be given many times.");
DEFINE_string(client_folder, "", "Set by the program itself: where relative paths are seen from.");
DECLARE_string(reducers);
DECLARE_string(task_memory_mb);

namespace {

constexpr char kFolderFlag[] = "--client_folder=";

absl::StatusOr<millrace::JobDescription> Describe() {
  millrace::StreamingFlags flags;
  flags.mapper = FLAGS_mapper;
  flags.combiner = FLAGS_combiner;
  flags.reducer = FLAGS_reducer;
  flags.partitioner = FLAGS_partitioner;
  flags.file = FLAGS_file;
  flags.cmdenv = FLAGS_cmdenv;
  flags.define = FLAGS_define;
  flags.program_version = FLAGS_program_version;
  flags.reducers = FLAGS_reducers;
  flags.task_memory_mb = FLAGS_task_memory_mb;
  flags.folder = FLAGS_client_folder;
  absl::StatusOr<millrace::StreamingJob> read = millrace::ReadStreamingJob(flags);
  if (!read.ok()) return read.status();
  const auto streaming = std::make_shared<const millrace::StreamingJob>(*std::move(read));
  millrace::JobDescription job;
  job.name = streaming->name;
  job.map_only = streaming->map_only;
  job.output.keys = false;  // the programs write whole lines
  job.side_files = streaming->side_files;
  job.check = [streaming] { return millrace::CheckFiles(*streaming); };
  // A program that is not sent may change under its name, so what it gave once is not used again.
  job.deterministic = millrace::IsMapKnown(*streaming);
  job.map_parameters = millrace::MapParameters(*streaming);
  job.mapper = [streaming] { return std::make_unique<millrace::StreamingMapper>(*streaming); };
  if (streaming->map_only) return job;
  if (!streaming->combiner.empty()) {
    job.combiner = [streaming] {
      return std::make_unique<millrace::StreamingCombiner>(*streaming);
    };
    job.combiner_lags = true;  // a program may write whenever it likes
  }
  job.reducer = [streaming]() -> std::unique_ptr<millrace::Reducer> {
    if (streaming->reducer.empty()) return std::make_unique<millrace::LineReducer>();
    return std::make_unique<millrace::StreamingReducer>(*streaming);
  };
  return job;
}

std::string PersonsFolder() {
  // Bazel sets it to the folder from which `bazel run` was called.
  if (const char* folder = std::getenv("BUILD_WORKING_DIRECTORY"); folder != nullptr) return folder;
  char buffer[PATH_MAX];
  return getcwd(buffer, sizeof(buffer)) == nullptr ? "/" : buffer;
}

}  // namespace

int main(int argc, char** argv) {
  const absl::StatusOr<std::vector<std::string>> arguments =
      millrace::FromHadoopFlags({argv + 1, argv + argc});
  if (!arguments.ok()) {
    std::fprintf(stderr, "streaming: %s\n", std::string(arguments.status().message()).c_str());
    return 2;
  }
  std::vector<std::string> given = {argv[0]};
  bool knows_folder = false;
  for (const std::string& argument : *arguments) {
    knows_folder = knows_folder || argument.rfind(kFolderFlag, 0) == 0;
    given.push_back(argument);
  }
  if (!knows_folder) given.push_back(kFolderFlag + PersonsFolder());
  std::vector<char*> pointers;
  pointers.reserve(given.size() + 1);
  for (std::string& argument : given) pointers.push_back(argument.data());
  pointers.push_back(nullptr);

  millrace::Usage usage;
  usage.summary =
      "Runs any programs as mapper and reducer, by Hadoop Streaming's rules; its flags are "
      "understood as well. The output holds the lines that the reducers write.";
  usage.required = "--mapper=COMMAND";
  usage.flags = {"mapper", "combiner", "reducer",       "partitioner",    "file",
                 "cmdenv", "define",   "client_folder", "program_version"};
  usage.examples = {
      "streaming --mapper='tr -s \" \" \"\\n\"' --reducer='uniq -c' --input=text --output=out",
      "streaming --mapper=map.py --reducer=sum.py --file=map.py,sum.py --input=logs --output=out",
      "streaming -input logs -output out -mapper 'wc -l' -numReduceTasks 0",
  };
  return millrace::Main(static_cast<int>(given.size()), pointers.data(), usage, Describe);
}
