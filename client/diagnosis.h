// Why a job failed, or what it waits for: what `millrace diagnose` says. Pure.
#ifndef MILLRACE_CLIENT_DIAGNOSIS_H_
#define MILLRACE_CLIENT_DIAGNOSIS_H_

#include <string>
#include <vector>

#include "rpc/job_views.h"

namespace millrace {

struct Diagnosis {
  std::string kind;  // a stable name for programs: "crash", "no_space", "waiting_for_workers", ...
  std::string line;  // what happened, where and why
  std::string next;  // what to do; empty when there is nothing to do

  // The attempt that failed, when one is to blame and it is still known.
  const AttemptView* attempt = nullptr;
  // What it wrote last to standard error, when that was kept.
  std::string last_words;
  // Whatever else was out of the ordinary, one line each.
  std::vector<std::string> notes;
};

// `attempts` outlive the result.
Diagnosis Diagnose(const JobView& job, const std::vector<AttemptView>& attempts,
                   const std::vector<WorkerView>& workers);

std::string DiagnosisText(const Diagnosis& diagnosis);
std::string DiagnosisJson(const JobView& job, const Diagnosis& diagnosis);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_DIAGNOSIS_H_
