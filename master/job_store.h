// What the shell knows of unfinished jobs and the core does not: what workers are told (binary,
// argv, folders) and which bytes each map task reads.
//
// A job is here before the core may launch anything of it, and until its end is in the journal.
// Bounded by the core's limits on unfinished jobs and tasks. One loop; not thread-safe, except for
// MakeStoredJob, which is a pure function.
#ifndef MILLRACE_MASTER_JOB_STORE_H_
#define MILLRACE_MASTER_JOB_STORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "master/core/actions.h"
#include "master/core/job_plan.h"
#include "rpc/task_types.h"
#include "storage/file_system.h"

namespace millrace {

struct StoredJob {
  JobContext context;
  std::vector<InputSplit> splits;  // one for each map task; none if they read another job's parts
  uint64_t input_bytes = 0;
  bool overwrite = false;
  std::string part_suffix;                 // of PartName
  std::shared_ptr<FileLock> held_staging;  // when the job ends with this master

  JobId job() const { return context.job; }
};

// The specification of each job of the chain that `spec` asks for, first to last; mostly one.
std::vector<JobSpec> ChainOf(JobSpec spec);

// Cuts the input of `spec`, which is one job of its chain, into splits; takes a second or so for
// ten million files.
StoredJob MakeStoredJob(JobId job, const JobSpec& spec, const std::string& cluster_id);

// What the core needs to know of the same job.
JobPlan MakePlan(const StoredJob& stored, const JobSpec& spec);

class JobStore {
 public:
  // Replaces what was known of the job.
  void Put(std::shared_ptr<const StoredJob> stored);
  void Remove(JobId job);

  // Where jobs write, by job key.
  std::map<std::string, std::string> OutputFolders() const;

  // The SHA-256 of every binary and side file that a job here needs.
  std::set<std::string> BinariesInUse() const;

  // Null when the job is not here.
  std::shared_ptr<const StoredJob> Find(JobId job) const;

 private:
  std::map<JobId, std::shared_ptr<const StoredJob>> jobs_;
};

// The attempt as its worker is told about it. `before`: the job whose part it reads; null: none.
AttemptSpec MakeAttemptSpec(const LaunchAttempt& launch, const StoredJob& stored,
                            const StoredJob* before);

}  // namespace millrace

#endif  // MILLRACE_MASTER_JOB_STORE_H_
