#include "client/diagnosis.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/failure_cause.h"
#include "client/recovery_text.h"
#include "client/text_lines.h"
#include "client/waiting.h"
#include "mapreduce/count_text.h"
#include "rpc/json_writer.h"

namespace millrace {
namespace {

constexpr size_t kLossesNoted = 5;

// "map-00007 (attempt-1-4 on w2)".
std::string PlaceOf(const AttemptView& attempt) {
  return absl::StrCat(TaskName(attempt.kind, attempt.task.index), " (", ToString(attempt.attempt),
                      " on ", attempt.worker_name, ")");
}

void DiagnoseFailure(const JobView& job, const std::vector<AttemptView>& attempts,
                     Diagnosis* diagnosis) {
  const Failure failure = FailureOf(job, attempts);
  const AttemptView* const failed = failure.attempt;
  const bool by_attempt = failure.lies_in_attempt;
  const FailureCause& cause = failure.cause;
  const std::string reason = ReasonOf(job);
  diagnosis->attempt = failed;
  diagnosis->kind = cause.known() ? cause.kind : "unknown";
  diagnosis->next = cause.next;
  diagnosis->line = absl::StrCat(
      ToString(job.job), " failed: ", cause.words, by_attempt ? " in " : "",
      by_attempt ? PlaceOf(*failed) : "", cause.known() ? ": " : "",
      by_attempt ? FirstLine(failed->message) : (reason.empty() ? FirstLine(job.error) : reason));
  // The master keeps the last lines of an attempt with its message, and longest with the job's.
  if (failed != nullptr) diagnosis->last_words = Details(failed->message);
  if (diagnosis->last_words.empty()) diagnosis->last_words = Details(job.error);
}

uint64_t Ended(const JobView& job, Cause cause) {
  return job.attempts_by_cause[static_cast<size_t>(cause)];
}

void NoteOddities(const JobView& job, std::vector<std::string>* notes) {
  const size_t shown = std::min(job.recovery.size(), kLossesNoted);
  for (size_t i = job.recovery.size() - shown; i < job.recovery.size(); ++i) {
    notes->push_back(RecoveryLine(job, job.recovery[i]));
  }
  const uint64_t more = job.recovery.size() - shown + job.recovery_dropped;
  if (more > 0)
    notes->push_back(absl::StrCat(more, more == 1 ? " earlier loss" : " earlier losses"));
  const std::pair<Cause, const char*> counted[] = {
      {Cause::kUserCodeFailed, "failed in user code"},
      {Cause::kSuperseded, "came second to another of the same task"},
      {Cause::kWorkerUnfit, "met a host that cannot run the job"}};
  for (const auto& [cause, words] : counted) {
    if (Ended(job, cause) == 0) continue;
    notes->push_back(absl::StrCat(CountText(Ended(job, cause), "attempt"), " ", words));
  }
  if (job.stale_reports > 0) {
    notes->push_back(absl::StrCat(CountText(job.stale_reports, "report"),
                                  " of attempts that did not count any more"));
  }
}

}  // namespace

Diagnosis Diagnose(const JobView& job, const std::vector<AttemptView>& attempts,
                   const std::vector<WorkerView>& workers) {
  Diagnosis diagnosis;
  const std::string id = ToString(job.job);
  if (job.state == JobState::kFailed) {
    DiagnoseFailure(job, attempts, &diagnosis);
  } else if (job.state == JobState::kCancelled) {
    diagnosis.kind = "cancelled";
    diagnosis.line = FirstLine(job.error).empty() ? id + " was cancelled" : FirstLine(job.error);
  } else if (job.state == JobState::kSucceeded) {
    diagnosis.kind = "succeeded";
    diagnosis.line = id + " succeeded: nothing failed";
  } else {
    const Waiting waiting = WaitingOf(job, attempts, workers);
    diagnosis.kind = waiting.kind;
    diagnosis.line = absl::StrCat(id, ": ", waiting.line);
    diagnosis.next = waiting.next;
  }
  NoteOddities(job, &diagnosis.notes);
  return diagnosis;
}

std::string DiagnosisText(const Diagnosis& diagnosis) {
  std::string text = diagnosis.line + "\n";
  if (!diagnosis.next.empty()) absl::StrAppend(&text, "Next: ", diagnosis.next, ".\n");
  if (diagnosis.attempt != nullptr) {
    absl::StrAppend(&text, "Standard error of ", ToString(diagnosis.attempt->attempt), ": ",
                    diagnosis.last_words.empty() ? "nothing was kept\n" : "its last lines\n");
  } else if (!diagnosis.last_words.empty()) {
    absl::StrAppend(&text, "Kept of it:\n");
  }
  absl::StrAppend(&text, Indented(diagnosis.last_words, 2));
  for (const std::string& note : diagnosis.notes) absl::StrAppend(&text, "Also: ", note, "\n");
  return text;
}

std::string DiagnosisJson(const JobView& job, const Diagnosis& diagnosis) {
  const auto text_or_null = [](const std::string& text, JsonWriter* json) {
    text.empty() ? json->Null() : json->String(text);
  };
  const AttemptView* attempt = diagnosis.attempt;
  JsonWriter json;
  json.OpenObject();
  json.Key("job").String(ToString(job.job));
  json.Key("state").String(Name(job.state));
  json.Key("kind").String(diagnosis.kind);
  json.Key("line").String(diagnosis.line);
  json.Key("next");
  text_or_null(diagnosis.next, &json);
  json.Key("task");
  text_or_null(attempt ? TaskName(attempt->kind, attempt->task.index) : "", &json);
  json.Key("attempt");
  text_or_null(attempt ? ToString(attempt->attempt) : "", &json);
  json.Key("worker_name");
  text_or_null(attempt ? attempt->worker_name : "", &json);
  json.Key("message");
  text_or_null(attempt ? FirstLine(attempt->message) : "", &json);
  json.Key("stderr");
  text_or_null(diagnosis.last_words, &json);
  json.Key("notes").OpenArray();
  for (const std::string& note : diagnosis.notes) json.String(note);
  json.CloseArray();
  json.CloseObject();
  return std::move(json).Take();
}

}  // namespace millrace
