// What was lost in a job and what that cost, for people. Pure.
#ifndef MILLRACE_CLIENT_RECOVERY_TEXT_H_
#define MILLRACE_CLIENT_RECOVERY_TEXT_H_

#include <string>

#include "rpc/job_views.h"
#include "rpc/recovery_entry.h"

namespace millrace {

// "worker w2 was lost", "map-00003 on w1 made no progress".
std::string LossText(const RecoveryEntry& entry);

// The same, with when and how it was noticed, what it cost and how much was done again; one line
// without its end. `job` is the one to which it happened.
std::string RecoveryLine(const JobView& job, const RecoveryEntry& entry);

// A line for each entry, under a heading; empty when nothing was lost.
std::string RecoveryText(const JobView& job);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_RECOVERY_TEXT_H_
