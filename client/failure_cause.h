// Which of the ways to fail it was, and what to do next. The one place that says so. Pure.
//
// The cause comes from the codes with which attempts ended; where one code covers several cases
// (user code that crashes, exits or takes too much memory) from the fixed words of our own
// messages. What user code says in a message is taken for none of them.
#ifndef MILLRACE_CLIENT_FAILURE_CAUSE_H_
#define MILLRACE_CLIENT_FAILURE_CAUSE_H_

#include <string>
#include <vector>

#include "rpc/job_views.h"

namespace millrace {

struct FailureCause {
  const char* kind = "";   // a stable name for programs
  const char* words = "";  // what happened, in few words
  const char* next = "";   // what to do

  bool known() const { return kind[0] != '\0'; }
};

struct Failure {
  FailureCause cause;
  // The attempt that failed, when one is to blame and it is still known.
  const AttemptView* attempt = nullptr;
  // Whether that attempt says why. Otherwise the master gave the job up for a reason that lies in
  // no single attempt (a map that is not deterministic, too many losses, output that cannot be put
  // in place), or the attempt is forgotten and only the job's error is left.
  bool lies_in_attempt = false;
};

// Of a job that failed, on a cluster or in this process. `attempts` outlive the result.
Failure FailureOf(const JobView& job, const std::vector<AttemptView>& attempts);

// Of one attempt that ended with `cause`; `message` is what was said of it.
FailureCause CauseOfAttempt(Cause cause, const std::string& message);

// What comes after `job "wordcount" (job-3) failed: `, which the master puts before its reasons:
// one line. Empty when the error is none of a master's.
std::string ReasonOf(const JobView& job);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_FAILURE_CAUSE_H_
