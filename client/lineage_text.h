// What a task was made from, for people. Pure.
#ifndef MILLRACE_CLIENT_LINEAGE_TEXT_H_
#define MILLRACE_CLIENT_LINEAGE_TEXT_H_

#include <string>

#include "rpc/lineage_view.h"

namespace millrace {

// Several lines: the task and how it stands, its winner, its split or its sources, and every
// attempt with the reason for which it was started and the cause with which it ended.
std::string LineageText(const LineageView& lineage);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_LINEAGE_TEXT_H_
