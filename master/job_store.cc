#include "master/job_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "storage/input_split.h"
#include "storage/paths.h"

namespace millrace {
namespace {

InputSplit SplitOf(const StepPart& part, const JobContext& job) {
  if (part.bytes == 0) return {};
  InputFile file;
  file.path = StagedPartPath(job.output_folder, job.staging_key, part.task.index, part.attempt);
  file.size = part.bytes;
  return {FileRange{std::move(file), 0, part.bytes}};
}

}  // namespace

std::vector<JobSpec> ChainOf(JobSpec spec) {
  std::vector<InputFile> inputs = std::exchange(spec.inputs, {});
  std::vector<JobSpec> chain;
  for (size_t i = 0; i < spec.before.size(); ++i) {
    JobSpec step = spec;
    step.name = spec.before[i].name;
    step.request_id = absl::StrCat(spec.request_id, "/", i);
    step.reducers = spec.before[i].reducers;
    step.part_suffix.clear();
    step.before.resize(i);
    chain.push_back(std::move(step));
  }
  chain.push_back(std::move(spec));
  chain.front().inputs = std::move(inputs);
  for (size_t i = 1; i < chain.size(); ++i) {
    chain[i].split_keys.clear();
    chain[i].map_identity.reset();
  }
  return chain;
}

StoredJob MakeStoredJob(JobId job, const JobSpec& spec, const std::string& cluster_id) {
  StoredJob stored;
  stored.splits = MakeSplits(spec.inputs, spec.split_bytes, spec.input_format);
  for (const InputFile& file : spec.inputs) stored.input_bytes += file.size;
  stored.overwrite = spec.overwrite;
  stored.part_suffix = spec.part_suffix;

  JobContext& context = stored.context;
  context.job = job;
  context.name = spec.name;
  context.binary = spec.binary;
  context.side_files = spec.side_files;
  context.argv = spec.argv;
  context.environment = spec.environment;
  context.step = static_cast<uint32_t>(spec.before.size());
  context.map_count = spec.before.empty() ? static_cast<uint32_t>(stored.splits.size())
                                          : spec.before.back().reducers;
  context.reducers = spec.reducers;
  context.split_keys = spec.split_keys;
  context.output_folder = spec.output_folder;
  context.staging_key = JobKey(job, cluster_id);
  context.shuffle = spec.shuffle;
  context.task_memory_bytes = spec.task_memory_bytes;
  context.nonce_path = NoncePath(spec.output_folder, context.staging_key);
  // Anything that no other job has will do; the client drew this at random.
  context.nonce = spec.request_id;
  if (!spec.inputs.empty()) context.probe = spec.inputs.front();
  if (!spec.map_only()) context.keep_folder = spec.keep_folder;
  context.profile = spec.profile;
  return stored;
}

JobPlan MakePlan(const StoredJob& stored, const JobSpec& spec) {
  JobPlan plan;
  plan.name = spec.name;
  plan.request_id = spec.request_id;
  plan.output_folder = spec.output_folder;
  plan.map_count = stored.context.map_count;
  plan.reducers = spec.reducers;
  plan.max_attempts = spec.max_attempts;
  plan.speculation_floor_ms = spec.speculation_floor_ms;
  plan.progress_timeout_ms = spec.progress_timeout_ms;
  plan.skip_bad_records = spec.skip_bad_records;
  plan.keeps_outputs = stored.context.keeps_outputs();
  return plan;
}

void JobStore::Put(std::shared_ptr<const StoredJob> stored) {
  const JobId job = stored->job();
  jobs_[job] = std::move(stored);
}

void JobStore::Remove(JobId job) { jobs_.erase(job); }

std::set<std::string> JobStore::BinariesInUse() const {
  std::set<std::string> in_use;
  for (const auto& [job, stored] : jobs_) {
    in_use.insert(stored->context.binary.sha256);
    for (const JobBinary& file : stored->context.side_files) in_use.insert(file.sha256);
  }
  return in_use;
}

std::map<std::string, std::string> JobStore::OutputFolders() const {
  std::map<std::string, std::string> folders;
  for (const auto& [job, stored] : jobs_) {
    folders.emplace(stored->context.staging_key, stored->context.output_folder);
  }
  return folders;
}

std::shared_ptr<const StoredJob> JobStore::Find(JobId job) const {
  const auto it = jobs_.find(job);
  return it == jobs_.end() ? nullptr : it->second;
}

AttemptSpec MakeAttemptSpec(const LaunchAttempt& launch, const StoredJob& stored,
                            const StoredJob* before) {
  AttemptSpec spec;
  spec.attempt = launch.attempt;
  spec.task = launch.task;
  spec.kind = JobPlan::kind(launch.task.stage);
  spec.reason = launch.reason;
  if (spec.kind == StageKind::kMap) {
    if (before != nullptr) {
      spec.part_of = launch.part.attempt;
      spec.split = SplitOf(launch.part, before->context);
    } else {
      CHECK_LT(launch.task.index, stored.splits.size()) << launch.task;
      spec.split = stored.splits[launch.task.index];
    }
    spec.one_by_one = launch.one_by_one;
    spec.skip = launch.skip;
    // They are named by the part, whose file has the name of the attempt that made it.
    if (before != nullptr && !spec.split.empty()) {
      for (InputRecord& record : spec.skip) record.file = spec.split.front().file.path;
    }
  }
  return spec;
}

}  // namespace millrace
