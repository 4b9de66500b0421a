#include "rpc/task_types.h"

#include <cstdio>

namespace millrace {

const char* Name(Reason reason) {
  switch (reason) {
    case Reason::kFirst: return "first";
    case Reason::kUserFailure: return "user_failure";
    case Reason::kWorkerLost: return "worker_lost";
    case Reason::kOutputLost: return "output_lost";
    case Reason::kSpeculative: return "speculative";
    case Reason::kWorkerFailed: return "worker_failed";
    case Reason::kTimedOut: return "timed_out";
  }
  return "unknown";
}

const char* Name(Cause cause) {
  switch (cause) {
    case Cause::kRunning: return "running";
    case Cause::kSucceeded: return "succeeded";
    case Cause::kUserCodeFailed: return "user_code_failed";
    case Cause::kWorkerLost: return "worker_lost";
    case Cause::kFetchFailed: return "fetch_failed";
    case Cause::kSuperseded: return "superseded";
    case Cause::kCancelled: return "cancelled";
    case Cause::kTimedOut: return "timed_out";
    case Cause::kWorkerFailed: return "worker_failed";
    case Cause::kJobInvalid: return "job_invalid";
    case Cause::kWorkerUnfit: return "worker_unfit";
  }
  return "unknown";
}

const char* Name(JobState state) {
  switch (state) {
    case JobState::kRunning: return "RUNNING";
    case JobState::kPublishing: return "PUBLISHING";
    case JobState::kSucceeded: return "SUCCEEDED";
    case JobState::kFailed: return "FAILED";
    case JobState::kCancelled: return "CANCELLED";
  }
  return "UNKNOWN";
}

std::string TaskName(StageKind kind, uint32_t index) {
  char text[32];
  std::snprintf(text, sizeof(text), "%s-%05u", kind == StageKind::kMap ? "map" : "reduce", index);
  return text;
}

}  // namespace millrace
