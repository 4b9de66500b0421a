// Which of the ways to fail it was, from the code and the words of what failed. Pure.
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
};

// Of one attempt that ended with `cause`; `message` is what was said of it.
FailureCause CauseOfAttempt(Cause cause, const std::string& message);

// Of a whole job, when the master gave it up for a reason that lies in no single attempt (a map
// that is not deterministic, too many losses, output that cannot be put in place). Its kind is
// empty when the attempt that failed says more.
FailureCause CauseOfJob(const JobView& job);

// Of what the job's error says of its last attempt, for when no attempt is remembered.
FailureCause CauseOfError(const JobView& job);

// The attempt that the job's error names; null when there is none or it is forgotten.
const AttemptView* NamedAttempt(const JobView& job, const std::vector<AttemptView>& attempts);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_FAILURE_CAUSE_H_
