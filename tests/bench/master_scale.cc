// What a task costs the master's core when a cluster is large and loses workers: CPU time, memory
// and journal. See scripted_cluster.h for what happens; `scripts/bench scale` runs several sizes.
#include <gflags/gflags.h>
#include <sys/resource.h>

#include <cstdio>

#include "tests/bench/scripted_cluster.h"

DEFINE_uint32(workers, 10'000, "Workers of 4 slots each.");
DEFINE_uint32(maps, 1'000'000, "Map tasks of the job.");
DEFINE_uint32(reduces, 10'000, "Reduce tasks of the job.");
DEFINE_double(lost_percent, 1, "So many of a hundred workers are lost, at various times.");
DEFINE_uint64(seed, 1, "The same seed gives the same run.");
DEFINE_double(cpu_us_max, 0, "Exit 1 if a task costs more microseconds of CPU; 0: no limit.");
DEFINE_double(bytes_max, 0, "Exit 1 if a task costs more bytes of memory; 0: no limit.");
DEFINE_bool(json, false, "Print the figures as one line of JSON.");

namespace millrace {
namespace {

double PeakMib() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

struct Figures {
  double tasks = 0;
  double cpu_us = 0;
  double bytes = 0;
  double journal_bytes = 0;
};

Figures PerTask(const ScriptedClusterCosts& costs) {
  Figures figures;
  figures.tasks = static_cast<double>(FLAGS_maps) + FLAGS_reduces;
  figures.cpu_us = costs.cpu_seconds * 1e6 / figures.tasks;
  figures.bytes = static_cast<double>(costs.core_bytes) / figures.tasks;
  figures.journal_bytes = static_cast<double>(costs.journal_bytes) / figures.tasks;
  return figures;
}

void PrintText(const ScriptedCluster& cluster, const Figures& figures) {
  const ScriptedClusterCosts& costs = cluster.costs();
  std::printf("%u workers, %u maps, %u reduces: %s after %.0f s of virtual time\n", FLAGS_workers,
              FLAGS_maps, FLAGS_reduces, cluster.succeeded() ? "done" : "NOT DONE",
              costs.virtual_seconds);
  std::printf("%u workers and %llu map outputs lost, %llu maps done again, %llu attempts\n",
              cluster.workers_lost(),
              static_cast<unsigned long long>(cluster.book().outputs_lost()),
              static_cast<unsigned long long>(cluster.book().maps_done_again()),
              static_cast<unsigned long long>(costs.attempts));
  std::printf("%llu events, %llu actions, of which %llu tell workers of sources\n",
              static_cast<unsigned long long>(costs.events),
              static_cast<unsigned long long>(costs.actions),
              static_cast<unsigned long long>(costs.source_messages));
  std::printf("CPU of the core: %.2f s, %.2f us/task, %.2f us/event\n", costs.cpu_seconds,
              figures.cpu_us, costs.cpu_seconds * 1e6 / static_cast<double>(costs.events));
  std::printf("slowest turn: %.1f ms (%s)\n", costs.slowest_seconds * 1e3, costs.slowest.c_str());
  std::printf("memory of the core: %.0f bytes/task; journal: %.0f bytes/task\n", figures.bytes,
              figures.journal_bytes);
  std::printf("peak of this process, its script included: %.0f MiB\n", PeakMib());
}

void PrintJson(const ScriptedCluster& cluster, const Figures& figures) {
  std::printf(
      "{\"workers\": %u, \"maps\": %u, \"reduces\": %u, \"lost\": %u, \"again\": %llu, "
      "\"cpu_us\": %.3f, \"bytes\": %.1f, \"journal_bytes\": %.1f, \"cpu_seconds\": %.2f, "
      "\"slowest_ms\": %.1f}\n",
      FLAGS_workers, FLAGS_maps, FLAGS_reduces, cluster.workers_lost(),
      static_cast<unsigned long long>(cluster.book().maps_done_again()), figures.cpu_us,
      figures.bytes, figures.journal_bytes, cluster.costs().cpu_seconds,
      cluster.costs().slowest_seconds * 1e3);
}

int Run() {
  ScriptedClusterOptions options;
  options.workers = FLAGS_workers;
  options.maps = FLAGS_maps;
  options.reduces = FLAGS_reduces;
  options.lost_percent = FLAGS_lost_percent;
  options.seed = FLAGS_seed;
  ScriptedCluster cluster(options);
  cluster.Run();
  const Figures figures = PerTask(cluster.costs());
  FLAGS_json ? PrintJson(cluster, figures) : PrintText(cluster, figures);
  const std::vector<std::string> complaints = cluster.Complaints();
  for (const std::string& complaint : complaints) {
    std::fprintf(stderr, "master_scale: %s\n", complaint.c_str());
  }
  const bool cheap = (FLAGS_cpu_us_max == 0 || figures.cpu_us <= FLAGS_cpu_us_max) &&
                     (FLAGS_bytes_max == 0 || figures.bytes <= FLAGS_bytes_max);
  if (!cheap) std::fputs("master_scale: a task costs more than its limit\n", stderr);
  return cluster.succeeded() && complaints.empty() && cheap ? 0 : 1;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  gflags::SetUsageMessage("what a task costs the master's core in a large cluster");
  gflags::ParseCommandLineFlags(&argc, &argv, /*remove_flags=*/true);
  return millrace::Run();
}
