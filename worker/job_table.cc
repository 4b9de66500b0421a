#include "worker/job_table.h"

#include <algorithm>

namespace millrace {

std::vector<MapSource> KnownJob::AllSources() const {
  std::vector<MapSource> all;
  all.reserve(sources.size());
  for (const auto& [map_index, source] : sources) all.push_back(source);
  return all;
}

void JobTable::Prepare(const JobContext& context) { jobs_[context.job].context = context; }

const KnownJob* JobTable::Find(JobId job) const {
  const auto known = jobs_.find(job);
  return known == jobs_.end() ? nullptr : &known->second;
}

const KnownJob* JobTable::Publish(JobId job, uint64_t version,
                                  const std::vector<ShuffleAddress>& addresses,
                                  const std::vector<MapSource>& sources) {
  const auto known = jobs_.find(job);
  if (known == jobs_.end()) return nullptr;
  for (const ShuffleAddress& address : addresses) known->second.addresses[address.worker] = address;
  for (const MapSource& source : sources) {
    if (source.map_index >= known->second.context.map_count) continue;
    known->second.sources[source.map_index] = source;
  }
  known->second.version = std::max(known->second.version, version);
  return &known->second;
}

void JobTable::ForgetVersions() {
  for (auto& [job, known] : jobs_) known.version = 0;
}

std::vector<JobId> JobTable::Jobs() const {
  std::vector<JobId> jobs;
  for (const auto& [job, known] : jobs_) jobs.push_back(job);
  return jobs;
}

}  // namespace millrace
