#include "master/core/job_record.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace millrace {

void Trouble::AddFailedWorker(WorkerId worker) {
  const auto found = std::find(failed_workers.begin(), failed_workers.end(), worker);
  if (found != failed_workers.end()) {
    failed_workers.erase(found);
  } else if (failed_workers.size() == kFailedWorkersMax) {
    failed_workers.erase(failed_workers.begin());
  }
  failed_workers.push_back(worker);
}

bool Trouble::HasFailedOn(WorkerId worker) const {
  return std::find(failed_workers.begin(), failed_workers.end(), worker) != failed_workers.end();
}

std::string Trouble::Chain() const {
  std::string chain;
  const auto add = [&chain](const char* name, uint16_t count) {
    if (count > 0) absl::StrAppend(&chain, chain.empty() ? "" : ", ", name, " x", count);
  };
  for (int cause = 0; cause < kCauseCount; ++cause)
    add(Name(static_cast<Cause>(cause)), ended[cause]);
  add("output_lost", outputs_lost);
  return chain;
}

JobRecord::JobRecord(const JobPlan& plan) {
  summary.plan = plan;
  for (uint32_t stage = 0; stage < plan.stage_count(); ++stage) {
    stages.emplace_back(plan.task_count(stage));
  }
}

std::string JobRecord::Title() const {
  return absl::StrCat("job \"", plan().name, "\" (", ToString(id()), ")");
}

const ReusedOutput* JobRecord::ReusedFor(uint32_t map_index) const {
  const auto found = reused.find(map_index);
  if (found == reused.end() || maps()[map_index].winner() != found->second.attempt) return nullptr;
  return &found->second;
}

TaskId JobRecord::MakerOf(uint32_t map_index) const {
  const ReusedOutput* output = ReusedFor(map_index);
  return output == nullptr ? TaskId{id(), 0, map_index} : output->made_for;
}

void JobRecord::ForgetTasks() {
  final_stages.clear();
  for (uint32_t stage = 0; stage < stages.size(); ++stage) {
    final_stages.push_back(StageView{JobPlan::kind(stage), stages[stage].total(),
                                     stages[stage].running(), stages[stage].done()});
    summary.tasks_done[stage] = stages[stage].done();
  }
  stages = {};
  troubles = {};
  backups_of_task = {};
  costs = {};
  undone_by = {};
  fingerprints = {};
  heavy_keys = {};
  results = {};
  source_log = {};
  reducing_workers = {};
  workers = {};
  awaited_workers = {};
}

}  // namespace millrace
