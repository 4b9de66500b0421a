// Tells what one task was made from and how often it was run, from what the core remembers: all of
// it while the job runs, its attempts when it has ended, nothing once they are forgotten.
//
// Pure functions over the cluster's state.
#ifndef MILLRACE_MASTER_CORE_LINEAGE_H_
#define MILLRACE_MASTER_CORE_LINEAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "master/core/cluster_state.h"
#include "master/core/views.h"
#include "rpc/ids.h"
#include "rpc/lineage_view.h"

namespace millrace {

// An attempt that has ended, or one that runs, as people see it.
AttemptSnapshot ViewOf(const AttemptRecord& record, const JobRecord& job,
                       const ClusterState& cluster);
AttemptSnapshot ViewOf(const AttemptId& id, const JobRecord& job, const ClusterState& cluster);

// `task` is one of `job`, whether or not anything is remembered of it. Sources are those of a
// reduce, from map `first_source` on, at most `sources_max` of them.
TaskLineage LineageOf(const TaskId& task, const JobRecord& job, const ClusterState& cluster,
                      uint32_t first_source, uint32_t sources_max);

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_LINEAGE_H_
