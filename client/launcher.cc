#include "client/launcher.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/cluster_access.h"
#include "client/command_line.h"
#include "client/dry_run.h"
#include "client/flag_parser.h"
#include "client/inline_run.h"
#include "client/job_options.h"
#include "client/job_run.h"
#include "client/job_spec.h"
#include "client/key_sample.h"
#include "client/launcher_flags.h"
#include "client/local_cluster.h"
#include "client/map_identity.h"
#include "client/reports.h"
#include "client/roles.h"
#include "client/terminal.h"
#include "mapreduce/status_macros.h"
#include "rpc/exit_codes.h"
#include "storage/output_committer.h"
#include "storage/paths.h"
#include "storage/posix_file_system.h"
#include "worker/executor_process.h"

namespace millrace {
namespace {

// The jobs of a chain, first to last; mostly one.
using Chain = std::vector<JobDescription>;

absl::StatusOr<Chain> DescribeChain(const Describe& describe) {
  MILLRACE_ASSIGN_OR_RETURN(const JobDescription job, describe());
  Chain chain = ChainOf(job);
  MILLRACE_RETURN_IF_ERROR(ReadFormats(GivenJobFlags(), &chain));
  MILLRACE_RETURN_IF_ERROR(ReadValueOrder(GivenJobFlags(), &chain));
  MILLRACE_RETURN_IF_ERROR(Validate(chain));
  return chain;
}

std::vector<std::string> OwnEnvironment() {
  std::vector<std::string> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.emplace_back(*variable);
  }
  return environment;
}

// A job that was asked for and passed every check that can be made here.
struct CheckedJob {
  JobOptions options;
  JobDraft draft;
  ClusterKey key;
};

absl::StatusOr<CheckedJob> CheckJob(const Chain& chain, const Invocation& invocation) {
  JobDescription job = chain.front();
  if (chain.size() > 1) job.reducers.reset();  // AddChain knows those of each
  CheckedJob checked;
  PosixFileSystem fs;
  MILLRACE_ASSIGN_OR_RETURN(checked.options,
                            ReadJobOptions(GivenJobFlags(), invocation.folder, job));
  const JobOptions& options = checked.options;
  MILLRACE_RETURN_IF_ERROR(CheckReportPaths(fs, options));
  if (options.placement == Placement::kCluster) {
    MILLRACE_ASSIGN_OR_RETURN(
        checked.key, ReadClusterKey(options.master, options.cluster_key_file, GivenInsecure()));
  }
  std::string remark;
  for (const JobDescription& step : chain) {
    if (step.check != nullptr) MILLRACE_RETURN_IF_ERROR(step.check());
  }
  JobSpec& spec = checked.draft.spec;
  MILLRACE_ASSIGN_OR_RETURN(spec, MakeJobSpec(fs, options, job, invocation, &remark));
  if (!remark.empty() && IsForPeople(ProgressModeFor(options.progress))) {
    WriteToTerminal(remark + "\n");
  }
  checked.draft.AddChain(chain);
  checked.draft.total_order = job.total_order;
  MILLRACE_ASSIGN_OR_RETURN(spec.side_files, IdentifySideFiles(SideFilesOf(chain)));
  spec.environment = EnvironmentForJobs(OwnEnvironment());
  if (job.total_order && !options.dry_run) {
    MILLRACE_ASSIGN_OR_RETURN(checked.draft.key_sample,
                              SampleKeys(fs, job, spec.inputs, options.skips_bad_records()));
  }
  return checked;
}

// Slots that a running cluster has are known to its master alone.
std::optional<uint64_t> SlotsOf(const JobOptions& options) {
  if (options.placement == Placement::kCluster) return std::nullopt;
  if (options.placement == Placement::kInline) return 1;
  return options.local_workers == 0 ? CoreCount() : options.local_workers;
}

int ShowDryRun(const CheckedJob& job) {
  DryRun run{&job.draft.spec, &job.options, SlotsOf(job.options), std::nullopt,
             job.draft.total_order};
  PosixFileSystem fs;
  std::string folder = job.draft.spec.output_folder;
  while (folder != "/" && !fs.Stat(folder).ok()) folder = FolderOf(folder);
  if (const absl::StatusOr<uint64_t> bytes = fs.FreeBytes(folder); bytes.ok()) {
    run.free_bytes = *bytes;
  }
  std::fputs(DryRunText(run).c_str(), stdout);
  return kExitSuccess;
}

int RunOnLocalCluster(const Program& program, CheckedJob job) {
  HoldSignals(ClusterKind::kLocal);
  const uint32_t workers = job.options.local_workers == 0 ? CoreCount() : job.options.local_workers;
  absl::StatusOr<std::unique_ptr<LocalCluster>> cluster =
      LocalCluster::Start(workers, job.options.scratch_folder);
  if (absl::IsInvalidArgument(cluster.status())) return UsageError(program, cluster.status());
  if (!cluster.ok()) {
    std::fprintf(stderr, "%s: %s\n", program.name.c_str(),
                 std::string(cluster.status().message()).c_str());
    return kExitFailed;
  }
  absl::StatusOr<ClusterKey> key = ClusterKey::Load((*cluster)->key_file());
  absl::StatusOr<JobBinary> binary = IdentifyOwnBinary();
  if (!key.ok()) return UsageError(program, key.status());
  if (!binary.ok()) return UsageError(program, binary.status());
  job.draft.spec.binary = *std::move(binary);
  JobTarget target{program.name, (*cluster)->address(), *std::move(key), cluster->get()};
  const std::string output = job.draft.spec.output_folder;
  const int exit_code = RunJob(target, job.options, std::move(job.draft));
  cluster->reset();
  // A cluster that broke leaves what its job has staged.
  PosixFileSystem fs;
  if (exit_code != kExitSuccess) OutputCommitter(&fs).RemoveAbandoned(output);
  return exit_code;
}

// `flags` and `description` say what the maps depend on.
int RunOnCluster(const Program& program, CheckedJob job, const JobDescription& description,
                 const std::vector<std::string>& flags) {
  HoldSignals(ClusterKind::kRunning);
  absl::StatusOr<JobBinary> binary = IdentifyOwnBinary();
  if (!binary.ok()) return UsageError(program, binary.status());
  job.draft.spec.binary = *std::move(binary);
  if (job.options.reuse && description.deterministic) {
    job.draft.spec.map_identity = MapIdentity(description, job.draft.spec, flags);
  }
  JobTarget target{program.name, job.options.master, job.key, /*local=*/nullptr};
  return RunJob(target, job.options, std::move(job.draft));
}

}  // namespace

int Main(int argc, char** argv, const Usage& usage, const Describe& describe) {
  if (const std::optional<int> exit_code = MaybeRunRole()) return *exit_code;
  const std::optional<int> executor_socket = TakeExecutorFd();
  const Program program = JobProgram(usage, argv[0]);
  StartLogging(argv[0], LogLevel::kErrors);

  CommandLine line;
  if (const std::optional<int> exit_code = ParseFlags(argc, argv, program, &line)) {
    return *exit_code;
  }
  const absl::StatusOr<Chain> chain = DescribeChain(describe);
  if (!chain.ok()) return UsageError(program, chain.status());
  if (executor_socket.has_value()) RunExecutor(*executor_socket, *chain);

  const Invocation invocation{{argv, argv + argc}, WorkingFolder()};
  absl::StatusOr<CheckedJob> checked = CheckJob(*chain, invocation);
  if (!checked.ok()) return UsageError(program, checked.status());
  if (checked->options.dry_run) return ShowDryRun(*checked);
  switch (checked->options.placement) {
    case Placement::kLocalCluster: return RunOnLocalCluster(program, *std::move(checked));
    case Placement::kCluster:
      return RunOnCluster(program, *std::move(checked), chain->front(), GivenFlagsOf(usage));
    case Placement::kInline: break;
  }
  return RunInline(program.name, checked->options, *chain, std::move(checked->draft));
}

}  // namespace millrace
