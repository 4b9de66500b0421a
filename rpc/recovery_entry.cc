#include "rpc/recovery_entry.h"

namespace millrace {

const char* Name(LossKind what) {
  switch (what) {
    case LossKind::kWorkerLost: return "worker_lost";
    case LossKind::kOutputLost: return "output_lost";
    case LossKind::kAttemptTimedOut: return "attempt_timed_out";
    case LossKind::kWorkerFailed: return "worker_failed";
    case LossKind::kMissingOnReturn: return "missing_on_return";
    case LossKind::kPeerUnreachable: return "peer_unreachable";
  }
  return "unknown";
}

const char* Name(NoticedBy noticed_by) {
  switch (noticed_by) {
    case NoticedBy::kConnectionClosed: return "connection_closed";
    case NoticedBy::kLeaseRanOut: return "lease_ran_out";
    case NoticedBy::kGoodbye: return "goodbye";
    case NoticedBy::kFetchFailed: return "fetch_failed";
    case NoticedBy::kChecksumMismatch: return "checksum_mismatch";
    case NoticedBy::kReportedMissing: return "reported_missing";
    case NoticedBy::kNotBackAfterRestart: return "not_back_after_restart";
    case NoticedBy::kNoProgress: return "no_progress";
    case NoticedBy::kReport: return "report";
  }
  return "unknown";
}

}  // namespace millrace
