// What this worker knows of the jobs it works for: what their attempts have in common, and where
// the map outputs are.
//
// Plain values; lives on one event loop.
#ifndef MILLRACE_WORKER_JOB_TABLE_H_
#define MILLRACE_WORKER_JOB_TABLE_H_

#include <cstdint>
#include <map>
#include <vector>

#include "rpc/task_types.h"

namespace millrace {

struct KnownJob {
  JobContext context;
  std::map<WorkerId, ShuffleAddress> addresses;
  std::map<uint32_t, MapSource> sources;  // by map index; lost ones included
  uint64_t version = 0;                   // of `sources`

  std::vector<MapSource> AllSources() const;
};

class JobTable {
 public:
  // Adds the job, or brings its context up to date.
  void Prepare(const JobContext& context);
  // Null when the job was never prepared here or has been released.
  const KnownJob* Find(JobId job) const;
  // Takes in what the master published; null when the job is not known.
  const KnownJob* Publish(JobId job, uint64_t version, const std::vector<ShuffleAddress>& addresses,
                          const std::vector<MapSource>& sources);
  // A session begins: the master counts versions anew and says everything again.
  void ForgetVersions();
  void Release(JobId job) { jobs_.erase(job); }
  std::vector<JobId> Jobs() const;

 private:
  std::map<JobId, KnownJob> jobs_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_JOB_TABLE_H_
