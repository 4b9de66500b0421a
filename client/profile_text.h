// Where the CPU time of a job went, as a table for people: --profile. Pure.
#ifndef MILLRACE_CLIENT_PROFILE_TEXT_H_
#define MILLRACE_CLIENT_PROFILE_TEXT_H_

#include <string>

#include "rpc/job_views.h"

namespace millrace {

// A line for each phase, with its CPU time, its share of all and its bytes; nothing if the job was
// run without a profile.
std::string ProfileText(const JobView& view);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_PROFILE_TEXT_H_
