// One job on a cluster, from its submission to the exit code: progress, Ctrl-C, reports.
//
// The bottom of a client's main: blocks until the end.
#ifndef MILLRACE_CLIENT_JOB_RUN_H_
#define MILLRACE_CLIENT_JOB_RUN_H_

#include <string>

#include "client/job_options.h"
#include "client/job_spec.h"
#include "client/local_cluster.h"
#include "rpc/preamble.h"

namespace millrace {

// Where the job goes.
struct JobTarget {
  std::string program;  // in front of messages
  std::string master;   // HOST:PORT
  ClusterKey key;
  LocalCluster* local = nullptr;  // when the cluster is ours: its end is the job's
};

// Submits `draft` and, unless detached, follows it to its end. Parts that the person did not choose
// (`options.reducers`) are chosen here, from the cluster's slots. Returns the exit code.
int RunJob(const JobTarget& target, const JobOptions& options, JobDraft draft);

enum class ClusterKind { kLocal, kRunning };

// Makes Ctrl-C and SIGTERM events for RunJob, so that nothing dies of them before; with a local
// cluster SIGHUP too, unless it is ignored. Called before anything is started that must be cleaned
// up.
void HoldSignals(ClusterKind cluster);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_JOB_RUN_H_
