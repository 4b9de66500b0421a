#include "tests/sim/checkers.h"

#include <xxhash.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "storage/paths.h"

namespace millrace::sim {
namespace {

std::string DigestText(const std::string& bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return absl::StrFormat("%016x%016x", hash.high64, hash.low64);
}

bool Succeeded(const Job& job) {
  return job.ended.has_value() && job.ended->state == JobState::kSucceeded;
}

std::string NameOf(const Job& job) {
  return absl::StrCat("job ", job.spec.request_id, " (", ToString(job.id), ")");
}

// Some task's user code has failed, or got stuck, as often as the job allows.
bool MayFail(const Job& job, const UserCode& user_code) {
  if (BadLines(job.workload).size() > job.spec.skip_bad_records) {
    const std::string& why = job.ended->error;
    const bool says_so = absl::StrContains(why, "--skip_bad_records") ||
                         absl::StrContains(why, "in user code, its limit");
    if (says_so) return true;
  }
  // The numbers of a chain follow each other.
  const auto is_ours = [&job](const TaskId& task) {
    return task.job.value() <= job.id.value() &&
           task.job.value() + job.spec.before.size() >= job.id.value();
  };
  for (const auto& [task, times] : user_code.failed) {
    if (!is_ours(task)) continue;
    const auto at_records = user_code.failed_at_records.find(task);
    const bool forgiven = at_records != user_code.failed_at_records.end();
    // Two failures make a record known, and are forgotten then.
    const uint32_t counted = forgiven ? times - at_records->second + 1 : times;
    if (counted >= job.spec.max_attempts) return true;
  }
  for (const auto& [task, times] : user_code.stuck) {
    if (is_ours(task) && times >= job.spec.max_attempts) return true;
  }
  return job.may_fail;
}

// A job that goes on without bad records names each of them, and no other.
void CheckSkipped(Cluster& cluster, const Job& job, Complaints* complaints) {
  std::string expected;
  for (const BadLine& bad : BadLines(job.workload)) {
    absl::StrAppend(&expected, job.spec.inputs[bad.file].path, ":", bad.offset, "\t", bad.bytes,
                    "\n");
  }
  std::string told;
  for (const InputRecord& record : job.ended->skipped_records) {
    absl::StrAppend(&told, record.file, ":", record.offset, "\t", record.bytes, "\n");
  }
  if (told != expected) {
    complaints->push_back(NameOf(job) + " skipped " + told + "instead of " + expected);
  }
  const auto listed =
      ReadFile(cluster.shared_disk(), JoinPath(job.spec.output_folder, "_skipped"), 1 << 20);
  if (listed.ok() == expected.empty() || (listed.ok() && *listed != expected)) {
    complaints->push_back(NameOf(job) + ": _skipped does not list " + expected);
  }
}

std::string Lines(const std::vector<std::string>& lines) { return absl::StrJoin(lines, "|"); }

void CheckManifest(Cluster& cluster, const Job& job, Complaints* complaints) {
  const std::string& folder = job.spec.output_folder;
  MemoryFileSystem& disk = cluster.shared_disk();
  const auto manifest = ReadFile(disk, JoinPath(folder, "_SUCCESS"), 1 << 20);
  if (!manifest.ok()) {
    complaints->push_back(NameOf(job) + " succeeded without _SUCCESS");
    return;
  }
  const auto names = disk.List(folder);
  size_t parts = 0;
  for (const std::string& name : *names) {
    if (name == "_SUCCESS" || name == "_skipped") continue;
    if (name.compare(0, 5, "part-") != 0) {
      complaints->push_back(absl::StrCat(NameOf(job), " left ", folder, "/", name));
      continue;
    }
    ++parts;
    const auto content = ReadFile(disk, JoinPath(folder, name), 64 << 20);
    const std::string entry = absl::StrCat("\"name\": \"", name, "\", \"bytes\": ", content->size(),
                                           ", \"digest\": \"", DigestText(*content), "\"");
    if (manifest->find(entry) == std::string::npos) {
      complaints->push_back(absl::StrCat(NameOf(job), ": the manifest does not say ", entry));
    }
  }
  const StageProgress& last = job.ended->stages.back();
  if (parts != last.total) {
    complaints->push_back(absl::StrCat(NameOf(job), " has ", parts, " parts of ", last.total));
  }
}

// No parts, no staging; the folder itself may stay.
void CheckNothingLeft(Cluster& cluster, const Job& job, Complaints* complaints) {
  const auto names = cluster.shared_disk().List(job.spec.output_folder);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    complaints->push_back(
        absl::StrCat(NameOf(job), " did not succeed and left ", job.spec.output_folder, "/", name));
  }
}

// Each attempt that was lost is in exactly one entry of the ledger.
void CheckLedger(const Job& job, Complaints* complaints) {
  const JobView& view = *job.ended;
  if (view.recovery_dropped > 0) return;
  uint64_t lost = 0;
  for (const Cause cause :
       {Cause::kWorkerLost, Cause::kTimedOut, Cause::kWorkerFailed, Cause::kFetchFailed}) {
    lost += view.attempts_by_cause[static_cast<size_t>(cause)];
  }
  uint64_t entered = 0;
  for (const RecoveryEntry& entry : view.recovery) entered += entry.attempts_lost;
  if (entered != lost) {
    complaints->push_back(
        absl::StrCat(NameOf(job), " lost ", lost, " attempts, and its ledger has ", entered));
  }
}

// The map outputs that the master believes to be in the scratch folder of `worker`.
std::set<std::string> RetainedFiles(Cluster& cluster, const WorkerProcess& worker) {
  std::set<std::string> files;
  if (cluster.master() == nullptr) return files;
  const MasterCore& core = cluster.master()->master().core();
  std::map<WorkerId, std::string> names;
  for (const WorkerSnapshot& one : core.Workers(CoreTime())) names[one.worker] = one.name;
  for (const RetainedView& output : core.Retained()) {
    if (names[output.worker] != worker.name()) continue;
    files.insert(MapOutputPath(worker.scratch_folder(), output.task, output.attempt));
  }
  return files;
}

}  // namespace

Complaints CheckOutputs(Cluster& cluster) {
  Complaints complaints = cluster.outputs().complaints();
  for (const auto& job : cluster.jobs()) {
    if (!Succeeded(*job)) {
      CheckNothingLeft(cluster, *job, &complaints);
      continue;
    }
    const std::vector<std::string> expected = ExpectedOutput(job->workload);
    const std::vector<std::string> actual = cluster.OutputOf(*job);
    if (actual != expected) {
      complaints.push_back(
          absl::StrCat(NameOf(*job), " wrote ", Lines(actual), " instead of ", Lines(expected)));
    }
    CheckManifest(cluster, *job, &complaints);
    CheckSkipped(cluster, *job, &complaints);
  }
  return complaints;
}

Complaints CheckFates(Cluster& cluster) {
  Complaints complaints;
  for (const auto& job : cluster.jobs()) {
    if (!job->refused.empty()) {
      complaints.push_back(NameOf(*job) + " was refused: " + job->refused);
      continue;
    }
    if (!job->ended.has_value()) {
      complaints.push_back(NameOf(*job) + " never ended");
      continue;
    }
    const JobView& view = *job->ended;
    if (view.state == JobState::kFailed && !MayFail(*job, cluster.user_code())) {
      complaints.push_back(NameOf(*job) + " failed: " + view.error);
    }
    if (view.state == JobState::kFailed && view.error.empty()) {
      complaints.push_back(NameOf(*job) + " failed without saying why");
    }
    if (view.state == JobState::kCancelled && !job->may_be_cancelled) {
      complaints.push_back(NameOf(*job) + " was cancelled by nobody");
    }
    CheckLedger(*job, &complaints);
    const auto lines = view.counters.find("lines/seen");
    const int64_t counted = lines == view.counters.end() ? 0 : lines->second;
    if (Succeeded(*job) && counted != ExpectedLines(job->workload)) {
      complaints.push_back(absl::StrCat(NameOf(*job), " counted ", counted, " lines instead of ",
                                        ExpectedLines(job->workload)));
    }
  }
  return complaints;
}

Complaints CheckReplay(Cluster& cluster) {
  Complaints complaints;
  if (cluster.master() == nullptr) return {"no master runs"};
  const std::string live = cluster.master()->master().core().DurableState();
  for (int i = 0; i < 2; ++i) {
    CoreOptions options;
    options.epoch = Epoch(cluster.journal_disk().epoch);
    MasterCore replayed(options);
    const absl::Status read =
        cluster.journal_disk().journal.ReadAll([&replayed](uint64_t, const JournalEntry& entry) {
          const absl::StatusOr<JobEdit> edit = DecodeEdit(entry.bytes);
          if (!edit.ok()) return edit.status();
          replayed.Apply(*edit);
          return absl::OkStatus();
        });
    if (!read.ok()) complaints.push_back("the journal cannot be read: " + read.ToString());
    if (replayed.DurableState() != live) {
      complaints.push_back("the journal gives\n" + replayed.DurableState() + "instead of\n" + live);
    }
  }
  return complaints;
}

Complaints CheckClean(Cluster& cluster) {
  Complaints complaints;
  for (const std::string& name : cluster.worker_names()) {
    WorkerProcess* const worker = cluster.worker(name);
    if (worker == nullptr) continue;
    if (!worker->executors().running().empty()) {
      complaints.push_back(name + " still runs attempts");
    }
    MemoryFileSystem& disk = cluster.DiskOf(worker->host());
    const auto entries = disk.List(worker->scratch_folder());
    if (!entries.ok()) continue;
    const std::set<std::string> retained = RetainedFiles(cluster, *worker);
    for (const std::string& entry : *entries) {
      const std::string path = JoinPath(worker->scratch_folder(), entry);
      const auto inside = disk.List(path);
      // A fault may have removed what is retained there.
      const bool may_be_empty =
          entry == "attempts" ||
          std::any_of(retained.begin(), retained.end(),
                      [&path](const std::string& file) { return FolderOf(file) == path; });
      if (!inside.ok() || (inside->empty() && !may_be_empty)) {
        complaints.push_back(absl::StrCat(name, " keeps ", path));
        continue;
      }
      for (const std::string& file : *inside) {
        if (retained.count(JoinPath(path, file)) > 0) continue;
        complaints.push_back(absl::StrCat(name, " keeps ", path, "/", file));
      }
    }
  }
  return complaints;
}

Complaints CheckNothingKept(Cluster& cluster) {
  Complaints complaints;
  std::set<std::string> folders;
  for (const auto& job : cluster.jobs()) folders.insert(job->spec.keep_folder);
  folders.erase("");
  for (const std::string& folder : folders) {
    const auto names = cluster.shared_disk().List(folder);
    if (!names.ok()) continue;
    for (const std::string& name : *names) {
      complaints.push_back(absl::StrCat("map outputs are kept for ever: ", folder, "/", name));
    }
  }
  return complaints;
}

std::string Check(Cluster& cluster) {
  Complaints all;
  for (Complaints some :
       {CheckOutputs(cluster), CheckJournal(cluster.journal_disk().history, cluster.user_code()),
        CheckFates(cluster), CheckReplay(cluster), CheckClean(cluster),
        CheckNothingKept(cluster)}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return absl::StrJoin(all, "\n");
}

}  // namespace millrace::sim
