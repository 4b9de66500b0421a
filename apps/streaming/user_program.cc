#include "apps/streaming/user_program.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "mapreduce/count_text.h"
#include "mapreduce/status_macros.h"

namespace millrace {
namespace {

std::string StatusText(const std::string& status) {
  return status.empty() ? "" : absl::StrCat("; its last status was '", status, "'");
}

}  // namespace

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
  absl::StatusOr<std::string> program = FindProgram(job_, *role_.command, ShippedFolder());
  if (!program.ok()) {
    return absl::Status(program.status().code(),
                        absl::StrCat("the ", role_.name, ": ", program.status().message(),
                                     "; send it with --file, or have it on every host"));
  }
  command.program = *std::move(program);
  command.words = *role_.command;
  command.environment = TaskEnvironment(job_, input);
  command.folder = folder_->path();
  lines_ = {};
  log_.ForgetStatus();
  given_ = 0;
  line_too_long_ = false;
  absl::StatusOr<std::unique_ptr<ChildPipe>> child = ChildPipe::Start(
      command, [this](std::string_view block) { TakeOutput(block); },
      [this](std::string_view block) { log_.Append(block); });
  if (!child.ok()) {
    return absl::Status(child.status().code(),
                        absl::StrCat("the ", role_.name, ": ", child.status().message()));
  }
  child_ = *std::move(child);
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
  line_too_long_ = lines_.rest_bytes() > job_.max_line_bytes;
  // It may never end.
  if (line_too_long_ && child_ != nullptr) child_->Kill();
}

absl::Status UserProgram::Finish() {
  const ChildEnd end = child_->Finish();
  child_ = nullptr;
  lines_.Finish(on_line_);
  log_.Finish();
  const std::string command = absl::StrJoin(*role_.command, " ");
  if (line_too_long_) {
    return absl::AbortedError(absl::StrCat("the ", role_.name, " '", command,
                                           "' wrote a line of more than ",
                                           job_.max_line_bytes >> 20,
                                           " MiB, the limit of this --task_memory_mb: does it lack "
                                           "line ends?"));
  }
  if (end.ok() || (end.signal == 0 && !job_.exit_code_counts)) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("the ", role_.name, " '", command, "' ", end.Describe(),
                                         " after it was given ", CountText(given_, "record"),
                                         " and had written ", CountText(lines_.count(), "line"),
                                         StatusText(log_.status())));
}

}  // namespace millrace
