// A worker: one per host, with as many slots as it shall run attempts at once.
#include <gflags/gflags.h>

#include <cstdio>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/command_line.h"
#include "client/flag_parser.h"
#include "client/local_cluster.h"
#include "mapreduce/count_text.h"
#include "mapreduce/status_macros.h"
#include "rpc/address.h"
#include "rpc/worker_name.h"
#include "storage/paths.h"
#include "worker/worker_process.h"

DEFINE_string(master, "",
              "HOST:PORT of the master to join; tried again, with growing pauses, until it "
              "answers.");
DEFINE_string(listen, "",
              "HOST:PORT to listen on. Without --master the worker waits there to be dialled; with "
              "it, other workers fetch map outputs there. Empty: any free port of 127.0.0.1.");
DEFINE_string(advertise, "", "Host name or address under which others reach this worker.");
DEFINE_string(slots, "auto", "Attempts that run at once, 1 to 4096; auto: one per core.");
DEFINE_string(name, "",
              "Name for people, up to 100 visible ASCII characters; default: the host's name and "
              "the pid.");
DEFINE_string(scratch_dir, "",
              "Folder for map outputs and temporary files; empty: a new one in $TMPDIR, else /tmp, "
              "removed at the end.");
DEFINE_string(cluster_key_file, "",
              "File with the cluster's key, mode 0600; needed beyond this machine.");
DEFINE_bool(insecure, false, "Go without a key beyond this machine.");
DEFINE_string(
    ready_file, "",
    "File to write, by rename, when listening, and to remove at the end: JSON with the real "
    "address and the pid.");

namespace millrace {
namespace {

constexpr char kAnyLoopbackPort[] = "127.0.0.1:0";
constexpr uint64_t kSlotsMax = 4096;

Program WorkerProgram() {
  Program program;
  program.name = "worker";
  program.summary =
      "Runs task attempts for a master and keeps their map outputs. SIGTERM drains: what runs is "
      "finished, nothing new is taken.";
  program.synopsis = "--master=HOST:PORT | --listen=HOST:PORT [flags]";
  program.groups = {{"Cluster", {"master", "listen", "advertise"}},
                    {"This worker", {"slots", "name", "scratch_dir", "ready_file"}},
                    {"Access", {"cluster_key_file", "insecure"}}};
  program.examples = {"worker --master=127.0.0.1:7070", "worker --listen=127.0.0.1:7071 --slots=2",
                      "worker --master=10.0.0.1:7070 --listen=0.0.0.0:7071 --advertise=10.0.0.2 "
                      "--cluster_key_file=key"};
  return program;
}

std::string InWorkingFolder(const std::string& path) {
  return path.empty() ? "" : AbsolutePath(WorkingFolder(), path);
}

absl::Status CheckAddress(const char* flag, const std::string& address, PortZero port_zero) {
  absl::Status read = ParseHostPort(address, port_zero).status();
  if (read.ok()) return read;
  return absl::InvalidArgumentError(absl::StrCat(flag, ": ", read.message()));
}

absl::StatusOr<WorkerOptions> ReadOptions(const CommandLine& line) {
  WorkerOptions options;
  if (FLAGS_master.empty() && FLAGS_listen.empty()) {
    return absl::InvalidArgumentError(
        "say which master to join with --master=HOST:PORT, or where to wait for one with "
        "--listen=HOST:PORT");
  }
  options.master = FLAGS_master;
  options.listen = FLAGS_listen.empty() ? kAnyLoopbackPort : FLAGS_listen;
  MILLRACE_RETURN_IF_ERROR(CheckAddress("--listen", options.listen, PortZero::kAllowed));
  if (!options.master.empty()) {
    MILLRACE_RETURN_IF_ERROR(CheckAddress("--master", options.master, PortZero::kRefused));
  }
  options.slots = CoreCount();
  if (FLAGS_slots != "auto") {
    MILLRACE_ASSIGN_OR_RETURN(const uint64_t slots, ReadCount("slots", FLAGS_slots, 1, kSlotsMax));
    options.slots = static_cast<uint32_t>(slots);
  }
  options.scratch_folder = InWorkingFolder(FLAGS_scratch_dir);
  options.advertise = FLAGS_advertise;
  if (line.Has("name")) {  // an empty one is a mistake, too
    const absl::Status valid = CheckWorkerName(FLAGS_name);
    if (!valid.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--name: ", valid.message()));
    }
    options.name = FLAGS_name;
  }
  options.ready_file = InWorkingFolder(FLAGS_ready_file);
  options.cluster_key_file = InWorkingFolder(FLAGS_cluster_key_file);
  options.insecure = FLAGS_insecure;
  return options;
}

// `listening` is where it really listens.
void SayWhatNext(const WorkerOptions& options, const std::string& listening) {
  const std::string what = options.master.empty()
                               ? absl::StrCat("waits on ", listening, " for a master to dial")
                               : absl::StrCat("joins the master at ", options.master);
  std::fprintf(stderr, "worker with %s %s\n", CountText(options.slots, "slot").c_str(),
               what.c_str());
}

int Main(int argc, char** argv) {
  StartLogging(argv[0], LogLevel::kWarnings);
  const Program program = WorkerProgram();
  CommandLine line;
  if (const std::optional<int> exit_code = ParseFlags(argc, argv, program, &line)) {
    return *exit_code;
  }
  absl::StatusOr<WorkerOptions> options = ReadOptions(line);
  if (!options.ok()) return UsageError(program, options.status());
  options->on_ready = [&](const std::string& address) { SayWhatNext(*options, address); };
  return RunWorker(*options);
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) { return millrace::Main(argc, argv); }
