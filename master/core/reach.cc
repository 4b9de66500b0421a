#include "master/core/reach.h"

#include <algorithm>

namespace millrace {

void Reach::NoteCut(WorkerId reader, WorkerId holder) {
  Note(reader, holder);
  Note(holder, reader);
}

void Reach::Note(WorkerId one, WorkerId other) {
  auto& cut_from = cluster_.FindWorker(one)->cut_from;
  for (auto cut = cut_from.begin(); cut != cut_from.end();) {
    cut = cut->second <= turn_.now() ? cut_from.erase(cut) : std::next(cut);
  }
  cut_from[other] = turn_.now() + turn_.options().cut_memory;
}

size_t Reach::CutsOf(WorkerId worker) const {
  const auto& cut_from = cluster_.FindWorker(worker)->cut_from;
  return static_cast<size_t>(std::count_if(
      cut_from.begin(), cut_from.end(), [&](const auto& cut) { return turn_.now() < cut.second; }));
}

bool Reach::IsApart(const JobRecord& job, WorkerId worker) const {
  const auto& cut_from = cluster_.FindWorker(worker)->cut_from;
  return std::any_of(cut_from.begin(), cut_from.end(), [&](const auto& cut) {
    return turn_.now() < cut.second && Holds(job, cut.first);
  });
}

bool Reach::SomebodyReachesAll(const JobRecord& job) const {
  const auto& workers = cluster_.workers();
  return std::any_of(workers.begin(), workers.end(), [&](const auto& entry) {
    return MayRun(job, entry.second) && !IsApart(job, entry.first);
  });
}

bool Reach::MayRun(const JobRecord& job, const WorkerRecord& worker) const {
  if (worker.lost() || worker.state == WorkerState::kDraining) return false;
  const auto share = worker.shares.find(job.id());
  return share == worker.shares.end() || !share->second.unfit;
}

bool Reach::Holds(const JobRecord& job, WorkerId worker) const {
  const WorkerRecord* record = cluster_.FindWorker(worker);
  if (record == nullptr) return false;  // forgotten
  const auto share = record->shares.find(job.id());
  if (share == record->shares.end()) return false;
  const std::vector<uint32_t>& outputs = share->second.outputs;
  return std::any_of(outputs.begin(), outputs.end(), [&](uint32_t index) {
    return job.maps()[index].done() && job.maps()[index].worker() == worker;
  });
}

}  // namespace millrace
