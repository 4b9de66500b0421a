// The control program: asks a running cluster about jobs, attempts and workers, waits and cancels.
#include <gflags/gflags.h>
#include <kj/async-io.h>

#include <cstdio>
#include <optional>
#include <string>

#include "client/cluster_access.h"
#include "client/command_line.h"
#include "client/flag_parser.h"
#include "client/master_link.h"
#include "client/verb_request.h"
#include "client/verbs.h"
#include "mapreduce/status_macros.h"
#include "rpc/exit_codes.h"
#include "rpc/status_exception.h"
#include "storage/paths.h"

DEFINE_string(master, "127.0.0.1:7070", "HOST:PORT of the cluster's master.");
DEFINE_string(connect_timeout, "10s", "How long an unreachable master is tried.");
DEFINE_string(timeout, "",
              "How long `wait` waits before it exits 5 and leaves the job to itself, such as 90s; "
              "empty: to the job's end.");
DEFINE_bool(json, false, "Answer in JSON.");
DEFINE_string(cluster_key_file, "",
              "File with the cluster's key, mode 0600; needed beyond this machine.");
DEFINE_bool(insecure, false, "Go without a key beyond this machine.");

namespace millrace {
namespace {

Program MillraceProgram() {
  Program program;
  program.name = "millrace";
  program.summary =
      "Asks a running cluster about jobs, attempts and workers; waits for jobs and cancels them.";
  program.synopsis =
      "[--master=HOST:PORT] VERB [flags]\n\n"
      "Verbs\n"
      "  jobs             every job that the master knows\n"
      "  job ID           one job: state, tasks, attempts, bytes\n"
      "  wait ID          until the job ends; exits as the job did\n"
      "  cancel ID        ends the job and removes what it has written\n"
      "  attempts ID      every attempt: where, why, how it ended\n"
      "  logs ID [TASK]   what attempts wrote to standard error: the last 16 KiB of each\n"
      "  workers          every worker: where, slots, what it does\n"
      "  lineage ID TASK  what a task such as map-00012 was made from, and why it ran again\n"
      "  diagnose ID      why a job failed, or what it waits for, and what to do\n"
      "  cat ID           the output of a job, part after part, decompressed";
  program.groups = {{"Cluster", {"master", "connect_timeout", "cluster_key_file", "insecure"}},
                    {"Answers", {"json", "timeout"}}};
  program.examples = {"millrace jobs", "millrace --master=10.0.0.1:7070 wait job-3 --timeout=90s",
                      "millrace attempts 3 --json"};
  program.positional_allowed = true;
  return program;
}

struct Request {
  VerbRequest verb;
  VerbOptions options;
  ConnectionOptions connection;
  kj::Duration patience = 0 * kj::SECONDS;
};

absl::StatusOr<Request> ReadRequest(const CommandLine& line) {
  Request request;
  MILLRACE_ASSIGN_OR_RETURN(request.verb, ReadVerb(line.positional));
  request.options.json = FLAGS_json;
  if (!FLAGS_timeout.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(request.options.wait_timeout_ms,
                              ReadMilliseconds("timeout", FLAGS_timeout));
  }
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t patience_ms,
                            ReadMilliseconds("connect_timeout", FLAGS_connect_timeout));
  request.patience = patience_ms * kj::MILLISECONDS;
  const std::string key_file =
      FLAGS_cluster_key_file.empty() ? "" : AbsolutePath(WorkingFolder(), FLAGS_cluster_key_file);
  MILLRACE_ASSIGN_OR_RETURN(request.connection.key,
                            ReadClusterKey(FLAGS_master, key_file, FLAGS_insecure));
  return request;
}

int Failed(const kj::Exception& exception) {
  std::fprintf(stderr, "millrace: %s\n", std::string(ToStatus(exception).message()).c_str());
  return exception.getType() == kj::Exception::Type::UNIMPLEMENTED ? kExitVersionMismatch
                                                                   : kExitUnreachable;
}

int Perform(const Request& request) {
  ExceptionLogging logging = InstallExceptionLogging();
  kj::AsyncIoContext io = kj::setupAsyncIo();
  MasterLink link(io.provider->getNetwork(), io.provider->getTimer(), FLAGS_master,
                  request.connection);
  return link.Connect(request.patience)
      .then([&]() { return RunVerb(link, request.verb, request.options); })
      .catch_([](kj::Exception&& exception) { return Failed(exception); })
      .wait(io.waitScope);
}

int Main(int argc, char** argv) {
  StartLogging(argv[0], LogLevel::kErrors);
  const Program program = MillraceProgram();
  CommandLine line;
  if (const std::optional<int> exit_code = ParseFlags(argc, argv, program, &line)) {
    return *exit_code;
  }
  const absl::StatusOr<Request> request = ReadRequest(line);
  return request.ok() ? Perform(*request) : UsageError(program, request.status());
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) { return millrace::Main(argc, argv); }
