#include "client/logs_text.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/text_lines.h"
#include "rpc/json_writer.h"

namespace millrace {

std::vector<AttemptView> LogsOf(const std::vector<AttemptView>& attempts, const TaskId& task) {
  std::vector<AttemptView> logs;
  for (const AttemptView& attempt : attempts) {
    const bool is_meant = !task.job.is_set() || attempt.task == task;
    if (is_meant && !Details(attempt.message).empty()) logs.push_back(attempt);
  }
  return logs;
}

std::string LogsText(const std::vector<AttemptView>& logs) {
  if (logs.empty()) {
    return "nothing: the last lines of attempts that fail are kept, of others none\n";
  }
  std::string text;
  for (const AttemptView& log : logs) {
    absl::StrAppend(&text, TaskName(log.kind, log.task.index), " ", ToString(log.attempt), " on ",
                    log.worker_name, ", ", Name(log.cause), ": ", FirstLine(log.message), "\n",
                    Indented(Details(log.message), /*spaces=*/4));
  }
  return text;
}

std::string LogsJson(const std::vector<AttemptView>& logs) {
  JsonWriter json;
  json.OpenArray();
  for (const AttemptView& log : logs) {
    json.OpenObject();
    json.Key("task").String(TaskName(log.kind, log.task.index));
    json.Key("attempt").String(ToString(log.attempt));
    json.Key("worker_name").String(log.worker_name);
    json.Key("cause").String(Name(log.cause));
    json.Key("message").String(FirstLine(log.message));
    json.Key("standard_error").String(Details(log.message));
    json.CloseObject();
  }
  json.CloseArray();
  return std::move(json).Take();
}

}  // namespace millrace
