#include "client/flag_parser.h"

#include <gflags/gflags.h>
#include <glog/logging.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "client/version.h"
#include "rpc/exit_codes.h"
#include "rpc/preamble.h"
#include "storage/failpoint.h"
#include "storage/failpoint_setting.h"

namespace millrace {
namespace {

KnownFlag KnownFlagNamed(const std::string& name) {
  gflags::CommandLineFlagInfo info;
  CHECK(gflags::GetCommandLineFlagInfo(name.c_str(), &info))
      << "the help lists --" << name << ", which no DEFINE_ macro defines";
  return {info.name, info.type == "bool", info.default_value, info.description};
}

std::vector<KnownFlag> KnownFlags(const Program& program) {
  std::vector<KnownFlag> known;
  for (const FlagGroup& group : program.groups) {
    for (const std::string& name : group.flags) known.push_back(KnownFlagNamed(name));
  }
  return known;
}

const char* AllowedValues(const std::string& type) {
  if (type == "bool") return "true or false";
  if (type == "double") return "a number";
  return "a whole number";  // the integer types; a string takes anything
}

absl::Status SetFlags(const CommandLine& line) {
  for (const auto& [name, value] : line.settings) {
    if (!gflags::SetCommandLineOption(name.c_str(), value.c_str()).empty()) continue;
    const gflags::CommandLineFlagInfo info = gflags::GetCommandLineFlagInfoOrDie(name.c_str());
    return absl::InvalidArgumentError(
        absl::StrCat("--", name, "=", value, ": needs ", AllowedValues(info.type)));
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<int> ParseFlags(int argc, char** argv, const Program& program, CommandLine* line) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::vector<KnownFlag> known = KnownFlags(program);
  absl::StatusOr<CommandLine> scanned = ScanArguments(arguments, known, program.positional_allowed);
  if (!scanned.ok()) {
    UsageError(program, scanned.status());
    std::fprintf(stderr, "%s --help explains the flags.\n", program.name.c_str());
    return kExitUsage;
  }
  *line = *std::move(scanned);
  if (line->help) {
    std::fputs(HelpText(program, known).c_str(), stdout);
    return kExitSuccess;
  }
  if (line->version) {
    std::printf("%s %s (protocol %d)\n", program.name.c_str(), kVersion,
                static_cast<int>(kProtocolVersion));
    return kExitSuccess;
  }
  if (line->list_failpoints) {
    std::fputs(ListOfFailpoints().c_str(), stdout);
    return kExitSuccess;
  }
  if (absl::Status set = SetFlags(*line); !set.ok()) return UsageError(program, set);
  if (absl::Status armed = ArmFailpointsFromEnvironment(); !armed.ok()) {
    return UsageError(program, armed);
  }
  return std::nullopt;
}

int UsageError(const Program& program, const absl::Status& status) {
  std::fprintf(stderr, "%s: %s\n", program.name.c_str(), std::string(status.message()).c_str());
  return kExitUsage;
}

std::string WorkingFolder() {
  // Bazel sets it to the folder from which `bazel run` was called.
  if (const char* folder = std::getenv("BUILD_WORKING_DIRECTORY"); folder != nullptr) return folder;
  char buffer[PATH_MAX];
  return getcwd(buffer, sizeof(buffer)) == nullptr ? "/" : buffer;
}

void StartLogging(const char* program, LogLevel level) {
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = level == LogLevel::kErrors ? google::GLOG_ERROR : google::GLOG_WARNING;
  google::InitGoogleLogging(program);
}

}  // namespace millrace
