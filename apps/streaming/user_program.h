// One run of a user's program: started where and with what a task's program expects, fed with
// records, its output cut into lines, its end judged.
//
//   UserProgram program({"mapper", &job.mapper}, job, count, on_line);
//   MILLRACE_RETURN_IF_ERROR(program.Start(input));
//   program.Write(lines, /*records=*/2);
//   MILLRACE_RETURN_IF_ERROR(program.Finish());      // and may be started again
//
// One thread; calls block as long as the program makes them.
#ifndef MILLRACE_APPS_STREAMING_USER_PROGRAM_H_
#define MILLRACE_APPS_STREAMING_USER_PROGRAM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "apps/streaming/child_log.h"
#include "apps/streaming/child_pipe.h"
#include "apps/streaming/line_splitter.h"
#include "apps/streaming/streaming_job.h"
#include "apps/streaming/task_setting.h"

namespace millrace {

// What a program is for ("mapper"), and its command.
struct ProgramRole {
  const char* name;
  const Command* command;
};

class UserProgram {
 public:
  using LineSink = std::function<void(std::string_view line)>;

  // `job` must outlive this object. `on_line` gets what the program writes, without line ends,
  // during Write and Finish.
  UserProgram(const ProgramRole& role, const StreamingJob& job, ChildLog::Count count,
              LineSink on_line);

  absl::Status Start(const TaskInput& input);
  bool running() const { return child_ != nullptr; }
  // Hands over `records` records, which end with their line ends.
  void Write(std::string_view data, uint64_t records);
  // Takes what is there of the program's output, without waiting.
  void ReadAvailable();
  // Waits for the program's end. An error says how it ended, and after how many records.
  absl::Status Finish();

 private:
  void TakeOutput(std::string_view block);

  const ProgramRole role_;
  const StreamingJob& job_;
  const LineSink on_line_;
  ChildLog log_;
  std::unique_ptr<WorkFolder> folder_;
  std::unique_ptr<ChildPipe> child_;  // null: not running
  LineSplitter lines_;
  uint64_t given_ = 0;
  bool line_too_long_ = false;
};

}  // namespace millrace

#endif  // MILLRACE_APPS_STREAMING_USER_PROGRAM_H_
