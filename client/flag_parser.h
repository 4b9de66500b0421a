// Joins a program's strict command line (client/command_line.h) to the gflags it defines.
//
//   int main(int argc, char** argv) {
//     absl::StatusOr<CommandLine> line = ...
//     if (std::optional<int> exit_code = ParseFlags(argc, argv, program, &line)) return *exit_code;
//
// Only flags that the program lists in its groups exist for a person: those of linked libraries are
// unknown. Called from main, before any other thread is there.
#ifndef MILLRACE_CLIENT_FLAG_PARSER_H_
#define MILLRACE_CLIENT_FLAG_PARSER_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "client/command_line.h"

namespace millrace {

// Sets the flags that argv gives, and arms the failpoints that the environment names. Returns the
// exit code when there is nothing more to do: after --help, --version and --list_failpoints (0,
// text on standard output) and after an error (2, one line on standard error).
std::optional<int> ParseFlags(int argc, char** argv, const Program& program, CommandLine* line);

// Prints "PROGRAM: message" on standard error, and returns 2.
int UsageError(const Program& program, const absl::Status& status);

// Where the person stands: relative paths are seen from there, also under `bazel run`, which starts
// programs in a folder of its own.
std::string WorkingFolder();

// What is worth a line: a person at a terminal wants errors; the operator of a server also wants
// refused peers, lost connections and the like.
enum class LogLevel { kErrors, kWarnings };

// Logs go to standard error only (glog would write files into the temporary folder).
void StartLogging(const char* program, LogLevel level);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_FLAG_PARSER_H_
