// What clients are shown of jobs, attempts and workers: the core's snapshots, and what the shell
// knows beyond them (host and process of a worker, bytes read by running maps).
//
// Read-only. One loop; not thread-safe.
#ifndef MILLRACE_MASTER_CLIENT_VIEWS_H_
#define MILLRACE_MASTER_CLIENT_VIEWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "master/core/master_core.h"
#include "master/job_store.h"
#include "master/master_shell.h"
#include "master/worker_links.h"
#include "rpc/job_views.h"
#include "rpc/lineage_view.h"

namespace millrace {

class ClientViews {
 public:
  static constexpr size_t kAttemptsPerAnswer = 1000;
  static constexpr uint32_t kSourcesPerAnswer = 1000;

  struct Options {
    int64_t started_wall_us = 0;  // wall time at core time zero
    std::string cluster_id;
  };

  // All must outlive it, but for `options`.
  ClientViews(const MasterCore& core, const JobStore& jobs, const WorkerLinks& links,
              const MasterShell& shell, const Options& options);

  // Nothing when there is no such job (any more).
  std::optional<JobView> Job(JobId job) const;
  // All jobs, in the order they were accepted, without their counters and losses, and with the
  // first line of their errors only: a thousand of them must fit in one message.
  std::vector<JobView> Jobs() const;
  // In the order in which they started, from number `first`, at most kAttemptsPerAnswer.
  std::optional<std::vector<AttemptView>> Attempts(JobId job, uint64_t first) const;
  // Of a job that Job knows. Attempts and split come with the first answer only, which is the one
  // from source 0 on; kNotFound when the job has no such task.
  absl::StatusOr<LineageView> Lineage(const TaskId& task, uint32_t first_source) const;
  std::vector<WorkerView> Workers() const;
  // Why a worker that is not connected cannot be asked for what its attempts have written.
  std::string WhyAway(WorkerId worker) const;

 private:
  JobView MakeJobView(const JobSnapshot& snapshot) const;
  AttemptView MakeAttemptView(const AttemptSnapshot& attempt, int64_t accepted_wall_us) const;
  WorkerView MakeWorkerView(const WorkerSnapshot& worker) const;
  std::string WaitingOn(const JobSnapshot& snapshot) const;
  // Likewise, if a job of its chain is why; else empty.
  std::string WaitingInChain(const JobSnapshot& snapshot) const;
  int64_t NowWallUs() const;

  const MasterCore& core_;
  const JobStore& jobs_;
  const WorkerLinks& links_;
  const MasterShell& shell_;
  const Options options_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CLIENT_VIEWS_H_
