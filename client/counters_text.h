// What a job counted, told at its end: records first, then the counters of its user code. Pure.
#ifndef MILLRACE_CLIENT_COUNTERS_TEXT_H_
#define MILLRACE_CLIENT_COUNTERS_TEXT_H_

#include <string>

#include "rpc/job_views.h"

namespace millrace {

// "  records   9 in, 20 out of maps, 20 into reduces, 5 out": a line, or nothing if the job was run
// by a master that does not count them.
std::string RecordsLine(const JobView& view);

// A line for each counter of user code, by group and name; nothing if it has none. Of very many the
// first are shown: the summary as JSON has all.
std::string CountersText(const JobView& view);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_COUNTERS_TEXT_H_
