#include "master/core/actions.h"

#include <sstream>
#include <tuple>

namespace millrace {
namespace {

const char* Name(SubmitReply reply) {
  switch (reply) {
    case SubmitReply::kAccepted: return "accepted";
    case SubmitReply::kTooManyJobs: return "too many jobs";
    case SubmitReply::kTooManyTasks: return "too many tasks";
    case SubmitReply::kOutputInUse: return "output in use";
    case SubmitReply::kInvalid: return "invalid";
  }
  return "?";
}

const char* Name(CancelReply reply) {
  switch (reply) {
    case CancelReply::kAccepted: return "accepted";
    case CancelReply::kPublishing: return "publishing";
    case CancelReply::kEnded: return "ended";
    case CancelReply::kUnknownJob: return "unknown job";
  }
  return "?";
}

const char* Name(OutcomeReply reply) {
  switch (reply) {
    case OutcomeReply::kAccepted: return "accepted";
    case OutcomeReply::kSuperseded: return "superseded";
    case OutcomeReply::kStale: return "stale";
  }
  return "?";
}

// "Verb{first, second}".
template <typename First, typename... Rest>
std::string Braced(const char* verb, const First& first, const Rest&... rest) {
  std::ostringstream out;
  out << verb << "{" << first;
  ((out << ", " << rest), ...);
  out << "}";
  return out.str();
}

// "[/in/a:7, /in/a:90]".
std::string Places(const std::vector<InputRecord>& records) {
  std::string places;
  for (const InputRecord& record : records) {
    places += (places.empty() ? "" : ", ") + record.file + ":" + std::to_string(record.offset);
  }
  return "[" + places + "]";
}

// "[job-1/0/0 attempt-1-2, ...]".
std::string Listed(const std::vector<std::pair<TaskId, AttemptId>>& outputs) {
  std::ostringstream out;
  for (const auto& [task, attempt] : outputs) {
    out << (out.tellp() > 0 ? ", " : "") << task << " " << attempt;
  }
  return "[" + out.str() + "]";
}

struct Printer {
  std::string operator()(const LaunchAttempt& a) const {
    if (a.part.attempt.is_set()) {
      return Braced("LaunchAttempt", a.worker, a.attempt, a.task, Name(a.reason),
                    "reads " + ToString(a.part.attempt));
    }
    if (!a.one_by_one) return Braced("LaunchAttempt", a.worker, a.attempt, a.task, Name(a.reason));
    return Braced("LaunchAttempt", a.worker, a.attempt, a.task, Name(a.reason), "one by one",
                  "without " + Places(a.skip));
  }
  std::string operator()(const GrantSlot& a) const {
    return Braced("GrantSlot", a.worker, a.attempt);
  }
  std::string operator()(const CancelAttempt& a) const {
    return Braced("CancelAttempt", a.worker, a.attempt);
  }
  std::string operator()(const PublishSources& a) const {
    return Braced("PublishSources", a.worker, a.job, a.from, a.to);
  }
  std::string operator()(const PublishJob& a) const { return Braced("PublishJob", a.job); }
  std::string operator()(const AbortOutput& a) const { return Braced("AbortOutput", a.job); }
  std::string operator()(const ReleaseJob& a) const {
    return Braced("ReleaseJob", a.worker, a.job);
  }
  std::string operator()(const AnswerSubmit& a) const {
    return Braced("AnswerSubmit", a.request_id, Name(a.reply), a.job);
  }
  std::string operator()(const AnswerCancel& a) const {
    return Braced("AnswerCancel", a.job, Name(a.reply));
  }
  std::string operator()(const AnswerOutcome& a) const {
    return Braced("AnswerOutcome", a.worker, a.attempt, Name(a.reply));
  }
  std::string operator()(const JobChanged& a) const { return Braced("JobChanged", a.job); }
  std::string operator()(const FoldJob& a) const { return Braced("FoldJob", a.job); }
  std::string operator()(const ForgetJob& a) const { return Braced("ForgetJob", a.job); }
  std::string operator()(const ForgetRegistration& a) const {
    return Braced("ForgetRegistration", a.worker);
  }
  std::string operator()(const ForgetWorker& a) const { return Braced("ForgetWorker", a.worker); }
  std::string operator()(const WakeAt& a) const { return Braced("WakeAt", a.time); }
  std::string operator()(const RetainOutputs& a) const {
    return Braced("RetainOutputs", a.worker, Listed(a.outputs));
  }
  std::string operator()(const DropOutputs& a) const {
    return Braced("DropOutputs", a.worker, Listed(a.outputs));
  }
};

}  // namespace

bool WaitsForSync(const Action& action) {
  if (const auto* release = std::get_if<ReleaseJob>(&action)) return !release->at_once;
  return std::holds_alternative<AnswerSubmit>(action) ||
         std::holds_alternative<AnswerCancel>(action) ||
         std::holds_alternative<AnswerOutcome>(action) ||
         std::holds_alternative<PublishJob>(action) ||
         std::holds_alternative<AbortOutput>(action) ||
         std::holds_alternative<JobChanged>(action) || std::holds_alternative<FoldJob>(action) ||
         std::holds_alternative<ForgetJob>(action) || std::holds_alternative<DropOutputs>(action) ||
         std::holds_alternative<ForgetRegistration>(action);
}

bool IsUrgent(const Action& action) {
  if (std::holds_alternative<DropOutputs>(action)) return false;
  const auto* answer = std::get_if<AnswerOutcome>(&action);
  return WaitsForSync(action) && (answer == nullptr || answer->urgent);
}

std::string DebugString(const Action& action) { return std::visit(Printer(), action); }

bool operator==(const LaunchAttempt& a, const LaunchAttempt& b) {
  return std::tie(a.worker, a.attempt, a.task, a.reason, a.one_by_one, a.skip, a.part.task,
                  a.part.attempt, a.part.bytes) == std::tie(b.worker, b.attempt, b.task, b.reason,
                                                            b.one_by_one, b.skip, b.part.task,
                                                            b.part.attempt, b.part.bytes);
}
bool operator==(const GrantSlot& a, const GrantSlot& b) {
  return a.worker == b.worker && a.attempt == b.attempt;
}
bool operator==(const CancelAttempt& a, const CancelAttempt& b) {
  return a.worker == b.worker && a.attempt == b.attempt;
}
bool operator==(const PublishSources& a, const PublishSources& b) {
  return std::tie(a.worker, a.job, a.from, a.to) == std::tie(b.worker, b.job, b.from, b.to);
}
bool operator==(const PublishJob& a, const PublishJob& b) { return a.job == b.job; }
bool operator==(const AbortOutput& a, const AbortOutput& b) { return a.job == b.job; }
bool operator==(const ReleaseJob& a, const ReleaseJob& b) {
  return std::tie(a.worker, a.job, a.at_once) == std::tie(b.worker, b.job, b.at_once);
}
bool operator==(const AnswerSubmit& a, const AnswerSubmit& b) {
  return std::tie(a.request_id, a.reply, a.job) == std::tie(b.request_id, b.reply, b.job);
}
bool operator==(const AnswerCancel& a, const AnswerCancel& b) {
  return a.job == b.job && a.reply == b.reply;
}
bool operator==(const AnswerOutcome& a, const AnswerOutcome& b) {
  return std::tie(a.worker, a.attempt, a.reply) == std::tie(b.worker, b.attempt, b.reply);
}
bool operator==(const JobChanged& a, const JobChanged& b) { return a.job == b.job; }
bool operator==(const FoldJob& a, const FoldJob& b) { return a.job == b.job; }
bool operator==(const ForgetJob& a, const ForgetJob& b) { return a.job == b.job; }
bool operator==(const ForgetRegistration& a, const ForgetRegistration& b) {
  return a.worker == b.worker;
}
bool operator==(const ForgetWorker& a, const ForgetWorker& b) { return a.worker == b.worker; }
bool operator==(const WakeAt& a, const WakeAt& b) { return a.time == b.time; }
bool operator==(const RetainOutputs& a, const RetainOutputs& b) {
  return a.worker == b.worker && a.outputs == b.outputs;
}
bool operator==(const DropOutputs& a, const DropOutputs& b) {
  return a.worker == b.worker && a.outputs == b.outputs;
}

}  // namespace millrace
