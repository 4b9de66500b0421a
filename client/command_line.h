// Reads a command line strictly, before any flag is set.
//
// gflags alone exits 1 where we promise 2, keeps the last of a repeated flag in silence, and mixes
// the flags of every linked library into its help. So the arguments are scanned here against the
// flags that a program says it has. Pure functions; client/flag_parser.h joins them to gflags.
#ifndef MILLRACE_CLIENT_COMMAND_LINE_H_
#define MILLRACE_CLIENT_COMMAND_LINE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace millrace {

struct KnownFlag {
  std::string name;
  bool is_switch = false;  // takes no value: --name, --noname, --name=true
  std::string default_value;
  std::string help;  // with units
};

// The title of a group of flags that are known, to be answered in better words than as unknown
// ones, and not in the help.
inline constexpr char kHiddenGroup[] = "";

// Flags that belong together in the help. Every flag of a program is in exactly one group.
struct FlagGroup {
  std::string title;
  std::vector<std::string> flags;
};

// What a program says of itself.
struct Program {
  std::string name;      // "wordcount"
  std::string summary;   // what it does, one or two lines
  std::string synopsis;  // "--input=P --output=DIR [flags]"
  std::vector<FlagGroup> groups;
  std::vector<std::string> examples;
  bool positional_allowed = false;
};

struct CommandLine {
  std::vector<std::pair<std::string, std::string>> settings;  // flag, value; in order
  std::vector<std::string> positional;
  bool help = false;
  bool version = false;
  bool list_failpoints = false;

  // Whether the person gave this flag.
  bool Has(std::string_view flag) const;
};

// Reads `arguments` (without argv[0]). Accepts --flag=value, --flag value, one dash instead of two,
// and "--" before positional arguments. An error says which argument is wrong and what is meant:
// unknown flag (with the nearest known name), flag given twice with different values, value
// missing, argument without a flag where the program takes none.
absl::StatusOr<CommandLine> ScanArguments(const std::vector<std::string>& arguments,
                                          const std::vector<KnownFlag>& known,
                                          bool positional_allowed);

// The text of --help: groups, examples, exit codes.
std::string HelpText(const Program& program, const std::vector<KnownFlag>& known);

// Readers of values; an error names the flag, the value and what is allowed.
absl::StatusOr<uint64_t> ReadCount(std::string_view flag, std::string_view value, uint64_t least,
                                   uint64_t most);
// Milliseconds of "10s", "1m30s", "250ms"; more than zero, at most a day.
absl::StatusOr<uint64_t> ReadMilliseconds(std::string_view flag, std::string_view value);
// The index in `choices`.
absl::StatusOr<size_t> ReadChoice(std::string_view flag, std::string_view value,
                                  const std::vector<std::string>& choices);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_COMMAND_LINE_H_
