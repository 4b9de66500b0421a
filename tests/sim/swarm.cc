#include "tests/sim/swarm.h"

#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/faulty_file_system.h"
#include "storage/paths.h"
#include "tests/sim/checkers.h"
#include "tests/sim/cluster.h"
#include "tests/sim/faults.h"

namespace millrace::sim {
namespace {

const char* const kColours[] = {"red", "blue", "green", "amber", "pink"};

// More than all jobs here need once nothing breaks any more, even where one worker with one slot
// runs chains whose tasks take a minute each.
constexpr kj::Duration kPatience = 3000 * kj::SECONDS;

ClusterOptions DrawOptions(uint64_t seed, bool print_trace, Random& random) {
  ClusterOptions options;
  options.seed = seed;
  options.print_trace = print_trace;
  options.lease = absl::Seconds(random.Pick(std::vector<int>{2, 10}));
  options.network.latency = random.Pick(std::vector<int64_t>{50, 500, 20'000}) * kj::MICROSECONDS;
  options.network.jitter = random.Pick(std::vector<int64_t>{0, 200, 50'000}) * kj::MICROSECONDS;
  options.user_code.slow_chance = random.Chance(0.5) ? 0 : 0.05;
  options.user_code.stuck_chance = random.Chance(0.7) ? 0 : 0.03;
  if (random.Chance(0.2)) options.user_code.slow_workers = {kColours[0]};
  return options;
}

void AddWorkers(Cluster& cluster, Random& random) {
  const uint64_t workers = random.Between(1, 5);
  const bool one_host = random.Chance(0.2);
  for (uint64_t i = 0; i < workers; ++i) {
    cluster.AddWorker(kColours[i], static_cast<uint32_t>(random.Between(1, 3)),
                      one_host ? "mill" : "");
  }
}

// Tasks whose user code fails some times; sometimes too often.
void PlanFailures(Cluster& cluster, const Job& job, JobId id, Random& random) {
  if (!random.Chance(0.2)) return;
  const auto index = static_cast<uint32_t>(random.Below(3));
  const auto stage = static_cast<uint32_t>(random.Below(job.spec.reducers > 0 ? 2 : 1));
  cluster.user_code().failures[TaskId{id, stage, index}] =
      static_cast<uint32_t>(random.Between(1, 5));
}

struct Draws {
  Random main;
  Random keeps;   // of its own, so that seeds do what they did before it came
  Random skips;   // likewise
  Random reuses;  // likewise
  Random chains;  // likewise
};

// The same job with another output folder, and often other reducers' parameters: all that it has
// in common with the first is what its maps read and do.
void SubmitAgainElsewhere(Cluster& cluster, const Job& first, Random& random) {
  Cluster::SubmitOptions options;
  options.reuse = true;
  options.input_of = &first;
  options.shuffle = random.Chance(0.5) ? ShuffleMode::kNetwork : ShuffleMode::kAuto;
  options.speculation_floor_ms = random.Chance(0.5) ? 1000 : 0;
  cluster.Submit(first.workload, options);
}

// Flips a bit of a part that the job's last step is to read, or removes it.
void DamagePart(Cluster& cluster, const Job& job, Random& random) {
  if (!job.id.is_set()) return;
  MemoryFileSystem& disk = cluster.shared_disk();
  const std::string root = StagingRoot(job.spec.output_folder);
  const std::string first = absl::StrCat("job-", job.id.value() - 1, "-");
  std::vector<std::string> parts;
  const auto keys = disk.List(root);
  if (!keys.ok()) return;
  for (const std::string& key : *keys) {
    const auto names = disk.List(JoinPath(root, key));
    if (key.compare(0, first.size(), first) != 0 || !names.ok()) continue;
    for (const std::string& name : *names) {
      const std::string path = JoinPath(JoinPath(root, key), name);
      if (name.compare(0, 5, "part-") == 0 && disk.Stat(path)->size > 0) parts.push_back(path);
    }
  }
  if (parts.empty()) return;
  const std::string& part = random.Pick(parts);
  cluster.world().Note("nobody", absl::StrCat("damaged ", part));
  if (random.Chance(0.5)) {
    disk.RemoveFile(part).IgnoreError();
  } else {
    FlipBit(disk, part, random.Below(disk.Stat(part)->size * 8)).IgnoreError();
  }
}

void DamagePartsLater(Cluster& cluster, const Job& job, Random& random) {
  for (uint64_t i = random.Below(4); i > 0; --i) {
    cluster.world().After(static_cast<int64_t>(random.Below(20'000)) * kj::MILLISECONDS,
                          [&]() { DamagePart(cluster, job, random); });
  }
}

void SubmitLater(Cluster& cluster, Draws& draws, kj::Duration within) {
  Random& random = draws.main;
  const auto us = static_cast<uint64_t>(within / kj::MICROSECONDS);
  cluster.world().After(
      static_cast<int64_t>(random.Below(us)) * kj::MICROSECONDS, [&cluster, &draws, us]() {
        Random& random = draws.main;
        Cluster::SubmitOptions options;
        if (draws.keeps.Chance(0.3)) options.keep_folder = absl::StrCat(kSharedFolder, "/keep");
        options.shuffle = random.Chance(0.7) ? ShuffleMode::kNetwork : ShuffleMode::kAuto;
        options.speculation_floor_ms = random.Pick(std::vector<uint32_t>{0, 1000, 3000});
        Workload workload = DrawWorkload(random);
        if (draws.skips.Chance(0.25)) {
          DrawBadLines(&workload, draws.skips);
          options.skip_bad_records = static_cast<uint32_t>(draws.skips.Between(0, 8));
        }
        options.reuse = draws.reuses.Chance(0.4);
        workload.chained = workload.reducers > 0 && draws.chains.Chance(0.25);
        Job& job = cluster.Submit(workload, options);
        if (options.reuse && draws.reuses.Chance(0.5)) {
          const auto pause = static_cast<int64_t>(draws.reuses.Below(us)) * kj::MICROSECONDS;
          cluster.world().After(pause, [&cluster, &draws, &job]() {
            SubmitAgainElsewhere(cluster, job, draws.reuses);
          });
        }
        if (workload.chained) DamagePartsLater(cluster, job, draws.chains);
        PlanFailures(cluster, job, JobId(cluster.jobs().size()), random);
      });
}

}  // namespace

SeedResult RunSeed(uint64_t seed, bool print_trace) {
  Draws draws{Random(seed ^ 0x5eed5eed5eed5eedull), Random(seed ^ 0x6b6565706b656570ull),
              Random(seed ^ 0x736b6970736b6970ull), Random(seed ^ 0x7265757365726575ull),
              Random(seed ^ 0x636861696e636861ull)};
  Random& random = draws.main;
  Cluster cluster(DrawOptions(seed, print_trace, random));
  cluster.StartMaster();
  AddWorkers(cluster, random);

  const kj::Duration trouble = static_cast<int64_t>(random.Between(2, 30)) * kj::SECONDS;
  const uint64_t jobs = random.Between(1, 3);
  for (uint64_t i = 0; i < jobs; ++i) SubmitLater(cluster, draws, trouble / 2);
  FaultSource faults(cluster, random.Fork());
  faults.Start();
  cluster.RunFor(trouble);

  faults.Stop();
  cluster.Heal();
  bool ended = cluster.RunUntil([&]() { return cluster.AllJobsDone(); }, kPatience);
  // Faults are over, but what they left of map outputs may still be used again.
  const size_t before = cluster.jobs().size();
  for (size_t i = 0; i < before; ++i) {
    const Job& job = *cluster.jobs()[i];
    const bool again = job.spec.map_identity.has_value() && draws.reuses.Chance(0.5);
    if (again) SubmitAgainElsewhere(cluster, job, draws.reuses);
  }
  ended = ended && cluster.RunUntil([&]() { return cluster.AllJobsDone(); }, kPatience);
  // Time to clean up: a lease, and the retries of what had to be said again.
  cluster.RunFor(60 * kj::SECONDS);

  SeedResult result;
  if (!ended) result.complaints = "not every job ended after everything had healed\n";
  result.complaints += Check(cluster);
  result.trace_hash = cluster.world().trace().hash();
  result.faults = faults.struck();
  result.jobs = static_cast<int>(cluster.jobs().size());
  for (const auto& job : cluster.jobs()) {
    if (job->ended.has_value()) result.outputs_reused += job->ended->map_outputs_reused;
    result.jobs_succeeded += job->ended.has_value() && job->ended->state == JobState::kSucceeded;
  }
  for (const JobEdit& edit : cluster.journal_disk().history) {
    const auto* lost = std::get_if<OutputLost>(&edit);
    result.parts_made_again += lost != nullptr && lost->task.stage == 1;
  }
  result.turns = cluster.world().turns();
  result.virtual_seconds = static_cast<double>(cluster.world().now_us()) / 1e6 - 3600;
  return result;
}

}  // namespace millrace::sim
