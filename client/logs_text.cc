#include "client/logs_text.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/text_lines.h"
#include "mapreduce/count_text.h"
#include "rpc/json_writer.h"

namespace millrace {
namespace {

std::string TextOf(const LoggedAttempt& logged) {
  if (!logged.log.is_kept) return Details(logged.attempt.message);
  std::string text = logged.log.text;
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

// Why nothing can be told of it; empty: there is something, or it wrote nothing.
std::string WhyMissing(const LoggedAttempt& logged) {
  if (logged.log.is_kept) return "";
  if (!logged.unavailable.empty()) return logged.unavailable;
  return absl::StrCat("worker ", logged.attempt.worker_name, " has none (any more)");
}

std::string Header(const AttemptView& attempt) {
  const std::string message = FirstLine(attempt.message);
  return absl::StrCat(TaskName(attempt.kind, attempt.task.index), " ", ToString(attempt.attempt),
                      " on ", attempt.worker_name, ", ", Name(attempt.cause),
                      message.empty() ? "" : ": ", message, "\n");
}

// A reason, and how many attempts have it.
using Missing = std::vector<std::pair<std::string, uint64_t>>;

void Count(const std::string& why, Missing* missing) {
  for (auto& [reason, count] : *missing) {
    if (reason == why) {
      ++count;
      return;
    }
  }
  missing->emplace_back(why, 1);
}

std::string MissingText(const Missing& missing) {
  std::string text;
  for (const auto& [why, count] : missing) {
    absl::StrAppend(&text, "no log of ", CountText(count, "attempt"), ": ", why, "\n");
  }
  return text;
}

void WriteLog(const LoggedAttempt& logged, JsonWriter* json) {
  const AttemptView& attempt = logged.attempt;
  json->OpenObject();
  json->Key("task").String(TaskName(attempt.kind, attempt.task.index));
  json->Key("attempt").String(ToString(attempt.attempt));
  json->Key("worker_name").String(attempt.worker_name);
  json->Key("cause").String(Name(attempt.cause));
  json->Key("message").String(FirstLine(attempt.message));
  json->Key("standard_error").String(TextOf(logged));
  json->Key("dropped_bytes").Number(logged.log.dropped);
  json->Key("missing");
  const std::string why = WhyMissing(logged);
  if (why.empty()) {
    json->Null();
  } else {
    json->String(why);
  }
  json->CloseObject();
}

}  // namespace

std::vector<AttemptView> AttemptsOf(const std::vector<AttemptView>& attempts, const TaskId& task) {
  std::vector<AttemptView> chosen;
  for (const AttemptView& attempt : attempts) {
    if (!task.job.is_set() || attempt.task == task) chosen.push_back(attempt);
  }
  return chosen;
}

std::string LogsText(const std::vector<LoggedAttempt>& logs) {
  if (logs.empty()) return "nothing: no such attempt has been started\n";
  std::string text;
  Missing missing;
  for (const LoggedAttempt& logged : logs) {
    const std::string written = TextOf(logged);
    const std::string why = WhyMissing(logged);
    if (written.empty()) {
      if (!why.empty()) Count(why, &missing);
      continue;
    }
    absl::StrAppend(&text, Header(logged.attempt));
    if (logged.log.dropped > 0) {
      absl::StrAppend(&text, "    [", CountText(logged.log.dropped, "byte"), " before this]\n");
    }
    absl::StrAppend(&text, Indented(written, /*spaces=*/4));
  }
  absl::StrAppend(&text, MissingText(missing));
  if (!text.empty()) return text;
  return absl::StrCat("nothing was written to standard error by ",
                      CountText(logs.size(), "attempt"), "\n");
}

std::string LogsJson(const std::vector<LoggedAttempt>& logs) {
  JsonWriter json;
  json.OpenArray();
  for (const LoggedAttempt& logged : logs) {
    if (!TextOf(logged).empty() || !WhyMissing(logged).empty()) WriteLog(logged, &json);
  }
  json.CloseArray();
  return std::move(json).Take();
}

}  // namespace millrace
