// Which parts of a job had much more to do than others, and what helps: for people. Pure.
#ifndef MILLRACE_CLIENT_SKEW_TEXT_H_
#define MILLRACE_CLIENT_SKEW_TEXT_H_

#include <string>

#include "rpc/job_views.h"

namespace millrace {

// A line for each such part and one about what to do; nothing if there is none, or if the input of
// the reduces is too small for it to matter and no profile was asked for.
std::string SkewText(const JobView& view);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_SKEW_TEXT_H_
