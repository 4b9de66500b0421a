#include "apps/streaming/user_program.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "mapreduce/count_text.h"
#include "mapreduce/status_macros.h"

namespace millrace {

UserProgram::UserProgram(const ProgramRole& role, const StreamingJob& job, ChildLog::Count count,
                         LineSink on_line)
    : role_(role),
      job_(job),
      on_line_(std::move(on_line)),
      log_(std::move(count), PrintToStandardError) {}

absl::Status UserProgram::Start(const TaskInput& input) {
  if (folder_ == nullptr) {
    MILLRACE_ASSIGN_OR_RETURN(folder_, WorkFolder::Make(job_));
  }
  ChildCommand command;
  absl::StatusOr<std::string> program = FindProgram(job_, *role_.command);
  if (!program.ok()) {
    return absl::Status(program.status().code(),
                        absl::StrCat("the ", role_.name, ": ", program.status().message()));
  }
  command.program = *std::move(program);
  command.words = *role_.command;
  command.environment = TaskEnvironment(job_, input);
  command.folder = folder_->path();
  lines_ = {};
  given_ = 0;
  line_too_long_ = false;
  MILLRACE_ASSIGN_OR_RETURN(child_,
                            ChildPipe::Start(
                                command, [this](std::string_view block) { TakeOutput(block); },
                                [this](std::string_view block) { log_.Append(block); }));
  return absl::OkStatus();
}

void UserProgram::Write(std::string_view data, uint64_t records) {
  if (!child_->input_closed()) given_ += records;
  child_->Write(data);
}

void UserProgram::ReadAvailable() { child_->ReadAvailable(); }

void UserProgram::TakeOutput(std::string_view block) {
  if (line_too_long_) return;
  lines_.Add(block, on_line_);
  line_too_long_ = lines_.rest_bytes() > kMaxLineBytes;
}

absl::Status UserProgram::Finish() {
  const ChildEnd end = child_->Finish();
  child_ = nullptr;
  lines_.Finish(on_line_);
  log_.Finish();
  const std::string command = absl::StrJoin(*role_.command, " ");
  if (line_too_long_) {
    return absl::AbortedError(absl::StrCat("the ", role_.name, " '", command,
                                           "' wrote a line of more than ", kMaxLineBytes >> 20,
                                           " MiB: does it lack line ends?"));
  }
  if (end.ok() || (end.signal == 0 && !job_.exit_code_counts)) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("the ", role_.name, " '", command, "' ", end.Describe(),
                                         " after it was given ", CountText(given_, "record"),
                                         " and had written ", CountText(lines_.count(), "line")));
}

}  // namespace millrace
