// A mapper that is a user's program: input lines on its standard input, `key<TAB>value` lines on
// its standard output.
//
// Each input file has a run of the program of its own, so that the name of the file in its
// environment is right. A program that fails does so in a file, and at no record: only with
// --input_format=whole_file is that the same. One object an attempt, one thread.
#ifndef MILLRACE_APPS_STREAMING_STREAMING_MAPPER_H_
#define MILLRACE_APPS_STREAMING_STREAMING_MAPPER_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/strings/string_view.h"
#include "apps/streaming/part_chooser.h"
#include "apps/streaming/streaming_job.h"
#include "apps/streaming/user_program.h"
#include "mapreduce/mapper.h"

namespace millrace {

class StreamingMapper : public Mapper {
 public:
  // `job` must outlive this object.
  explicit StreamingMapper(const StreamingJob& job);

  void Map(const MapInput& input) override;
  void Finish() override;

 private:
  void BeginRun(const TaskInput& input);
  void EndRun();
  void GiveUp(absl::string_view why);
  void Feed(const MapInput& input);
  void FeedAsLines(const MapInput& input);
  bool AddLine(std::initializer_list<std::string_view> pieces);
  void WriteLines();
  void FeedWithoutReturns(const MapInput& input, std::string_view lines);
  void TakeLine(std::string_view line);
  void Count(std::string_view group, std::string_view name, int64_t by);

  const StreamingJob& job_;
  UserProgram program_;
  PartChooser chooser_;
  bool has_run_ = false;
  bool failed_ = false;
  std::string file_;     // that the program is reading
  std::string copy_;     // lines that it has not been given yet
  uint64_t copied_ = 0;  // how many those are
};

}  // namespace millrace

#endif  // MILLRACE_APPS_STREAMING_STREAMING_MAPPER_H_
