#include "client/verbs.h"

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/attempt_logs.h"
#include "client/diagnosis.h"
#include "client/job_watch.h"
#include "client/lineage_text.h"
#include "client/logs_text.h"
#include "client/output_parts.h"
#include "client/recovery_text.h"
#include "client/summary.h"
#include "client/tables.h"
#include "client/terminal.h"
#include "rpc/exit_codes.h"
#include "rpc/json_writer.h"
#include "rpc/view_json.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

int Answer(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kExitSuccess;
}

int AnswerJson(const std::string& json) { return Answer(json + "\n"); }

int Refuse(const absl::Status& status) {
  WriteToTerminal(absl::StrCat("millrace: ", status.message(), "\n"));
  return kExitUsage;
}

std::string JobText(const JobView& view) {
  std::string text = SummaryText(view);
  absl::StrAppend(&text, RecoveryText(view));
  if (!view.error.empty()) absl::StrAppend(&text, "  error     ", view.error, "\n");
  if (!view.waiting_on.empty()) absl::StrAppend(&text, "  waiting   ", view.waiting_on, "\n");
  return text;
}

kj::Promise<int> ListJobs(MasterLink& link, bool json) {
  return link.Jobs().then([json](std::vector<JobView> jobs) {
    return json ? AnswerJson(JobsJson(jobs)) : Answer(JobsTable(jobs));
  });
}

kj::Promise<int> ListWorkers(MasterLink& link, bool json) {
  return link.Workers().then([json](std::vector<WorkerView> workers) {
    return json ? AnswerJson(WorkersJson(workers)) : Answer(WorkersTable(workers));
  });
}

kj::Promise<int> ListAttempts(MasterLink& link, JobId job, bool json) {
  return link.Attempts(job).then([json](absl::StatusOr<std::vector<AttemptView>> attempts) {
    if (!attempts.ok()) return Refuse(attempts.status());
    return json ? AnswerJson(AttemptsJson(*attempts)) : Answer(AttemptsTable(*attempts));
  });
}

kj::Promise<int> ShowLogs(MasterLink& link, const VerbRequest& request, bool json) {
  return link.Attempts(request.job)
      .then([&link, task = request.task,
             json](absl::StatusOr<std::vector<AttemptView>> attempts) -> kj::Promise<int> {
        if (!attempts.ok()) return Refuse(attempts.status());
        auto fetch = kj::heap<LogFetch>(link, AttemptsOf(*attempts, task));
        auto logs = fetch->Run();
        return logs.attach(kj::mv(fetch)).then([json](std::vector<LoggedAttempt> logs) {
          return json ? AnswerJson(LogsJson(logs)) : Answer(LogsText(logs));
        });
      });
}

kj::Promise<int> ShowLineage(MasterLink& link, TaskId task, bool json) {
  return link.Lineage(task).then([json](absl::StatusOr<LineageView> lineage) {
    if (!lineage.ok()) return Refuse(lineage.status());
    return json ? AnswerJson(LineageJson(*lineage)) : Answer(LineageText(*lineage));
  });
}

kj::Promise<int> ShowJob(MasterLink& link, JobId job, bool json) {
  return link.Watch(job, /*known_version=*/0, /*wait=*/0 * kj::SECONDS)
      .then([json](absl::StatusOr<JobView> view) {
        if (!view.ok()) return Refuse(view.status());
        return json ? AnswerJson(JobJson(*view)) : Answer(JobText(*view));
      });
}

int AnswerDiagnosis(const JobView& view, const std::vector<AttemptView>& attempts,
                    const std::vector<WorkerView>& workers, bool json) {
  const Diagnosis diagnosis = Diagnose(view, attempts, workers);
  return json ? AnswerJson(DiagnosisJson(view, diagnosis)) : Answer(DiagnosisText(diagnosis));
}

// What Diagnose needs, as its parts arrive.
struct DiagnosisParts {
  std::vector<AttemptView> attempts;
  std::vector<WorkerView> workers;
};

// Attempts and workers are asked for first: the job's own view is then the newest of the three.
kj::Promise<int> DiagnoseJob(MasterLink& link, JobId job, bool json) {
  auto parts = std::make_shared<DiagnosisParts>();
  return link.Attempts(job)
      .then([&link, parts](absl::StatusOr<std::vector<AttemptView>> attempts) {
        if (attempts.ok()) parts->attempts = *std::move(attempts);  // else the job is unknown below
        return link.Workers();
      })
      .then([&link, parts, job](std::vector<WorkerView> workers) {
        parts->workers = std::move(workers);
        return link.Watch(job, /*known_version=*/0, /*wait=*/0 * kj::SECONDS);
      })
      .then([parts, json](absl::StatusOr<JobView> view) {
        if (!view.ok()) return Refuse(view.status());
        return AnswerDiagnosis(*view, parts->attempts, parts->workers, json);
      });
}

kj::Promise<int> CancelJob(MasterLink& link, JobId job, bool json) {
  return link.Cancel(job, "cancelled with `millrace cancel`")
      .then([job, json](absl::StatusOr<std::string> ended) {
        if (!ended.ok()) return Refuse(ended.status());
        if (!ended->empty()) {
          WriteToTerminal(
              absl::StrCat("millrace: ", ToString(job), " has ended already: ", *ended, "\n"));
        }
        const std::string state = ended->empty() ? Name(JobState::kCancelled) : *ended;
        JsonWriter writer;
        writer.OpenObject().Key("job").String(ToString(job)).Key("state").String(state);
        writer.CloseObject();
        const std::string text = absl::StrCat(ToString(job), " ", state, "\n");
        json ? AnswerJson(std::move(writer).Take()) : Answer(text);
        return int{state == Name(JobState::kCancelled) ? kExitSuccess : kExitUsage};
      });
}

// The output lies where this host sees it too.
int PrintOutput(const JobView& view) {
  if (view.state != JobState::kSucceeded) {
    return Refuse(absl::FailedPreconditionError(
        absl::StrCat(ToString(view.job), " is ", Name(view.state), " and has no output",
                     view.state == JobState::kFailed ? "; `millrace diagnose` says why" : "")));
  }
  if (view.output_folder.empty()) {
    return Refuse(absl::FailedPreconditionError(
        absl::StrCat(ToString(view.job),
                     " gave its parts to the next job of its chain, and they "
                     "are gone; `millrace jobs` has that one's number")));
  }
  PosixFileSystem fs;
  bool reader_left = false;
  const PublishedOutput output{view.output_folder, view.output_key};
  const absl::Status printed =
      ReadParts(fs, output, [&reader_left](std::string_view bytes) -> absl::Status {
        reader_left = std::fwrite(bytes.data(), 1, bytes.size(), stdout) < bytes.size();
        return reader_left ? absl::CancelledError() : absl::OkStatus();
      });
  if (std::fflush(stdout) != 0 || reader_left) return kExitFailed;  // it has had enough
  return printed.ok() ? kExitSuccess : Refuse(printed);
}

kj::Promise<int> PrintOutputOf(MasterLink& link, JobId job) {
  return link.Watch(job, /*known_version=*/0, /*wait=*/0 * kj::SECONDS)
      .then([](absl::StatusOr<JobView> view) {
        return view.ok() ? PrintOutput(*view) : Refuse(view.status());
      });
}

int AnswerEnded(const JobView& view, bool json) {
  json ? AnswerJson(JobJson(view)) : Answer(JobText(view));
  if (view.state == JobState::kSucceeded) return kExitSuccess;
  return view.state == JobState::kCancelled ? kExitCancelled : kExitFailed;
}

kj::Promise<int> TimedOut(MasterLink& link, JobId job, uint64_t timeout_ms) {
  return link.timer().afterDelay(timeout_ms * kj::MILLISECONDS).then([job]() {
    WriteToTerminal(
        absl::StrCat("millrace: ", ToString(job), " has not ended in time; it goes on\n"));
    return int{kExitTimedOut};
  });
}

kj::Promise<int> WaitForJob(MasterLink& link, JobId job, const VerbOptions& options) {
  JobWatchOptions watch_options;
  watch_options.period = 10 * kj::SECONDS;
  watch_options.on_note = [](std::string_view note) { WriteToTerminal(std::string(note) + "\n"); };
  auto watch = kj::heap<JobWatch>(link, job, kj::mv(watch_options));
  kj::Promise<int> ended = watch->Run().then([json = options.json](absl::StatusOr<JobView> view) {
    if (view.ok()) return AnswerEnded(*view, json);
    // The master that has the job is not there.
    const bool is_elsewhere = absl::IsFailedPrecondition(view.status());
    const int refused = Refuse(view.status());
    return is_elsewhere ? int{kExitUnreachable} : refused;
  });
  if (options.wait_timeout_ms.has_value()) {
    ended = ended.exclusiveJoin(TimedOut(link, job, *options.wait_timeout_ms));
  }
  return ended.attach(kj::mv(watch));
}

}  // namespace

kj::Promise<int> RunVerb(MasterLink& link, const VerbRequest& request, const VerbOptions& options) {
  switch (request.verb) {
    case Verb::kJobs: return ListJobs(link, options.json);
    case Verb::kJob: return ShowJob(link, request.job, options.json);
    case Verb::kWait: return WaitForJob(link, request.job, options);
    case Verb::kCancel: return CancelJob(link, request.job, options.json);
    case Verb::kAttempts: return ListAttempts(link, request.job, options.json);
    case Verb::kLogs: return ShowLogs(link, request, options.json);
    case Verb::kWorkers: return ListWorkers(link, options.json);
    case Verb::kDiagnose: return DiagnoseJob(link, request.job, options.json);
    case Verb::kLineage: return ShowLineage(link, request.task, options.json);
    case Verb::kCat: return PrintOutputOf(link, request.job);
  }
  KJ_UNREACHABLE;
}

}  // namespace millrace
