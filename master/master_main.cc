// The master of a cluster.
#include <gflags/gflags.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "client/command_line.h"
#include "client/flag_parser.h"
#include "client/local_cluster.h"
#include "client/roles.h"
#include "mapreduce/count_text.h"
#include "mapreduce/status_macros.h"
#include "master/master_process.h"
#include "rpc/address.h"
#include "storage/paths.h"

DEFINE_string(listen, "127.0.0.1:7070", "HOST:PORT to listen on; port 0 takes any free one.");
DEFINE_string(http, "", "HOST:PORT of a page with /healthz and /jobs (JSON); empty: none.");
DEFINE_string(workers, "",
              "N: start N worker processes on this machine, with one slot each; "
              "HOST:PORT,...: dial workers that listen there. Others may always dial in.");
DEFINE_string(state_dir, "",
              "Folder for what must survive a restart; empty: $XDG_STATE_HOME/millrace, else "
              "~/.local/state/millrace. One master at a time.");
DEFINE_string(scratch_dir, "",
              "Folder for the files of workers started with --workers=N; empty: $TMPDIR, else "
              "/tmp.");
DEFINE_string(lease, "10s", "How long a silent worker is waited for before it counts as lost.");
DEFINE_string(reuse_mb, "10240",
              "How much of the map outputs of jobs that succeeded workers keep for later jobs, in "
              "MiB, on all of them together; the oldest go first. 0: none.");
DEFINE_string(cluster_key_file, "",
              "File with the cluster's key, mode 0600; needed beyond this machine.");
DEFINE_bool(insecure, false, "Go without a key beyond this machine.");
DEFINE_string(
    ready_file, "",
    "File to write, by rename, when ready, and to remove at the end: JSON with the real addresses "
    "and the pid.");

namespace millrace {
namespace {

constexpr uint64_t kReuseMbMax = uint64_t{1} << 30;  // 1 PiB

Program MasterProgram() {
  Program program;
  program.name = "master";
  program.summary =
      "Runs a cluster: takes jobs, gives their tasks to workers, survives lost workers and its own "
      "restart. SIGTERM stops it; jobs go on when it is started again.";
  program.synopsis = "[flags]";
  program.groups = {{"Addresses", {"listen", "http"}},
                    {"Workers", {"workers", "scratch_dir", "lease", "reuse_mb"}},
                    {"State", {"state_dir", "ready_file"}},
                    {"Access", {"cluster_key_file", "insecure"}}};
  program.examples = {"master --workers=4", "master --workers=10.0.0.2:7071,10.0.0.3:7071",
                      "master --listen=0.0.0.0:7070 --cluster_key_file=key"};
  return program;
}

std::string InWorkingFolder(const std::string& path) {
  return path.empty() ? "" : AbsolutePath(WorkingFolder(), path);
}

absl::StatusOr<std::string> DefaultStateFolder() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
    return JoinPath(state, "millrace");
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return JoinPath(home, ".local/state/millrace");
  }
  return absl::InvalidArgumentError(
      "neither $XDG_STATE_HOME nor $HOME is set: say where the state lies with --state_dir=DIR");
}

// What --workers asks for: processes to start here, or addresses to dial.
struct WantedWorkers {
  uint32_t local = 0;
  std::vector<std::string> dial;
};

absl::StatusOr<WantedWorkers> ReadWorkers(const std::string& text) {
  WantedWorkers wanted;
  if (text.empty()) return wanted;
  if (!absl::StrContains(text, ':')) {
    const absl::StatusOr<uint64_t> count = ReadCount("workers", text, 1, 256);
    if (!count.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(count.status().message(), ", or HOST:PORT,HOST:PORT,..."));
    }
    wanted.local = static_cast<uint32_t>(*count);
    return wanted;
  }
  wanted.dial = absl::StrSplit(text, ',', absl::SkipEmpty());
  for (const std::string& address : wanted.dial) {
    if (absl::Status read = ParseHostPort(address, PortZero::kRefused).status(); !read.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--workers: ", read.message()));
    }
  }
  return wanted;
}

absl::StatusOr<MasterOptions> ReadOptions() {
  MasterOptions options;
  options.listen = FLAGS_listen;
  options.http = FLAGS_http;
  options.state_dir = InWorkingFolder(FLAGS_state_dir);
  if (options.state_dir.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(options.state_dir, DefaultStateFolder());
  }
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t lease_ms, ReadMilliseconds("lease", FLAGS_lease));
  options.lease = absl::Milliseconds(lease_ms);
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t reuse_mb,
                            ReadCount("reuse_mb", FLAGS_reuse_mb, 0, kReuseMbMax));
  options.reuse_bytes = reuse_mb << 20;
  options.cluster_key_file = InWorkingFolder(FLAGS_cluster_key_file);
  options.insecure = FLAGS_insecure;
  options.ready_file = InWorkingFolder(FLAGS_ready_file);
  return options;
}

// The worker processes that --workers=N asks for. Destroyed after the master has stopped.
class OwnWorkers {
 public:
  explicit OwnWorkers(uint32_t count) : count_(count) {}

  // What may be wrong with --scratch_dir shows here, before the master is there.
  absl::Status MakeFolder() {
    if (count_ == 0) return absl::OkStatus();
    MILLRACE_ASSIGN_OR_RETURN(folder_, TemporaryFolder::Make(InWorkingFolder(FLAGS_scratch_dir)));
    return absl::OkStatus();
  }

  absl::Status Start(const std::string& address) {
    if (count_ == 0) return absl::OkStatus();
    LocalWorkersOptions options;
    options.master = address;
    options.count = count_;
    options.folder = folder_->path();
    options.cluster_key_file = InWorkingFolder(FLAGS_cluster_key_file);
    options.insecure = FLAGS_insecure;
    MILLRACE_ASSIGN_OR_RETURN(workers_, LocalWorkers::Start(options));
    return absl::OkStatus();
  }

 private:
  const uint32_t count_;
  std::unique_ptr<TemporaryFolder> folder_;
  std::unique_ptr<LocalWorkers> workers_;
};

void SayWhatNext(const std::string& address, const WantedWorkers& workers) {
  const std::string waiting =
      workers.local > 0 ? absl::StrCat(" with ", CountText(workers.local, "local worker"))
      : workers.dial.empty()
          ? "; start workers with: worker --master=" + address
          : absl::StrCat(", dialling ", CountText(workers.dial.size(), "worker"));
  std::fprintf(stderr,
               "master listens on %s%s\n"
               "count words with: bazel run //apps/wordcount -- --master=%s --input=FILES "
               "--output=DIR\n",
               address.c_str(), waiting.c_str(), address.c_str());
}

int Main(int argc, char** argv) {
  if (const std::optional<int> exit_code = MaybeRunRole()) return *exit_code;
  StartLogging(argv[0], LogLevel::kWarnings);
  const Program program = MasterProgram();
  CommandLine line;
  if (const std::optional<int> exit_code = ParseFlags(argc, argv, program, &line)) {
    return *exit_code;
  }
  const absl::StatusOr<WantedWorkers> workers = ReadWorkers(FLAGS_workers);
  if (!workers.ok()) return UsageError(program, workers.status());
  absl::StatusOr<MasterOptions> options = ReadOptions();
  if (!options.ok()) return UsageError(program, options.status());

  OwnWorkers own_workers(workers->local);
  if (absl::Status made = own_workers.MakeFolder(); !made.ok()) return UsageError(program, made);
  options->dial_workers = workers->dial;
  options->on_ready = [&](const std::string& address) {
    SayWhatNext(address, *workers);
    return own_workers.Start(address);
  };
  return RunMaster(*options);
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) { return millrace::Main(argc, argv); }
