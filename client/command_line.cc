#include "client/command_line.h"

#include <algorithm>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "mapreduce/status_macros.h"
#include "mapreduce/strings.h"
#include "rpc/exit_codes.h"
#include "storage/nearest_name.h"

namespace millrace {
namespace {

constexpr char kEveryProgramHelp[] =
    "\nEvery program\n"
    "  --help, --version\n"
    "  --list_failpoints\n"
    "      Where MILLRACE_FAILPOINT can make a process misbehave, for tests.\n";

absl::Status Invalid(std::string message) { return absl::InvalidArgumentError(message); }

// One pass over the arguments; each method takes one kind of argument.
class Scanner {
 public:
  Scanner(const std::vector<KnownFlag>& known, bool positional_allowed)
      : known_(known), positional_allowed_(positional_allowed) {}

  absl::StatusOr<CommandLine> Scan(const std::vector<std::string>& arguments) {
    for (size_t i = 0; i < arguments.size(); ++i) {
      const std::string& argument = arguments[i];
      if (only_positional_ || argument.size() < 2 || argument[0] != '-') {
        MILLRACE_RETURN_IF_ERROR(TakePositional(argument));
        continue;
      }
      if (argument == "--") {
        only_positional_ = true;
        continue;
      }
      const std::string* next = i + 1 < arguments.size() ? &arguments[i + 1] : nullptr;
      MILLRACE_ASSIGN_OR_RETURN(const bool used_next, TakeFlag(argument, next));
      if (used_next) ++i;
    }
    return std::move(result_);
  }

 private:
  absl::Status TakePositional(const std::string& argument) {
    if (!positional_allowed_) {
      return Invalid(absl::StrCat("'", argument,
                                  "' is not a flag, and arguments without one mean nothing here"));
    }
    result_.positional.push_back(argument);
    return absl::OkStatus();
  }

  // Returns whether `next` was the flag's value.
  absl::StatusOr<bool> TakeFlag(const std::string& argument, const std::string* next) {
    const size_t name_begin = argument[1] == '-' ? 2 : 1;
    const size_t equals = argument.find('=', name_begin);
    std::string name = argument.substr(name_begin, equals - name_begin);
    std::replace(name.begin(), name.end(), '-', '_');
    if (equals == std::string::npos && TakeInformational(name)) return false;
    if (const KnownFlag* flag = Find(name); flag != nullptr) {
      if (equals != std::string::npos)
        return Set(*flag, argument.substr(equals + 1), /*used_next=*/false);
      if (flag->is_switch) return Set(*flag, "true", /*used_next=*/false);
      if (next == nullptr || IsFlagLike(*next)) {
        return Invalid(absl::StrCat("--", name, " needs a value: --", name, "=VALUE"));
      }
      return Set(*flag, *next, /*used_next=*/true);
    }
    if (const KnownFlag* negated = FindNegated(name);
        negated != nullptr && equals == std::string::npos) {
      return Set(*negated, "false", /*used_next=*/false);
    }
    return Unknown(name);
  }

  bool TakeInformational(const std::string& name) {
    if (name == "help" || name == "h") result_.help = true;
    if (name == "version") result_.version = true;
    if (name == "list_failpoints") result_.list_failpoints = true;
    return name == "help" || name == "h" || name == "version" || name == "list_failpoints";
  }

  absl::StatusOr<bool> Set(const KnownFlag& flag, const std::string& value, bool used_next) {
    for (const auto& [name, earlier] : result_.settings) {
      if (name == flag.name && earlier != value) {
        return Invalid(absl::StrCat("--", name, " is given twice, as '", earlier, "' and as '",
                                    value, "': keep one"));
      }
    }
    result_.settings.emplace_back(flag.name, value);
    return used_next;
  }

  absl::Status Unknown(const std::string& name) const {
    std::vector<std::string> names = {"help", "version", "list_failpoints"};
    for (const KnownFlag& flag : known_) names.push_back(flag.name);
    const std::string nearest = NearestName(name, names);
    return Invalid(absl::StrCat("unknown flag --", name,
                                nearest.empty() ? "; --help lists the flags"
                                                : absl::StrCat("; did you mean --", nearest, "?")));
  }

  const KnownFlag* Find(const std::string& name) const {
    for (const KnownFlag& flag : known_) {
      if (flag.name == name) return &flag;
    }
    return nullptr;
  }

  const KnownFlag* FindNegated(const std::string& name) const {
    if (name.compare(0, 2, "no") != 0) return nullptr;
    const KnownFlag* flag = Find(name.substr(2));
    return flag != nullptr && flag->is_switch ? flag : nullptr;
  }

  // "-5" is a value, "--output" and "-o" are not.
  static bool IsFlagLike(const std::string& text) {
    return text.size() >= 2 && text[0] == '-' && !absl::ascii_isdigit(text[1]);
  }

  const std::vector<KnownFlag>& known_;
  const bool positional_allowed_;
  bool only_positional_ = false;
  CommandLine result_;
};

// `text` broken into lines of at most `width` columns, each indented.
std::string Wrapped(const std::string& text, size_t indent, size_t width) {
  std::string out;
  size_t column = width;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const size_t length = end - at;
    if (column + 1 + length > width) {
      if (!out.empty()) out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else {
      out += ' ';
      ++column;
    }
    out.append(text, at, length);
    column += length;
    at = end + 1;
  }
  return out;
}

std::string FlagHelp(const KnownFlag& flag) {
  std::string head = absl::StrCat("  --", flag.name);
  if (!flag.is_switch) absl::StrAppend(&head, "=", flag.default_value);
  return absl::StrCat(head, "\n", Wrapped(flag.help, /*indent=*/6, /*width=*/98), "\n");
}

}  // namespace

bool CommandLine::Has(std::string_view flag) const {
  return std::any_of(settings.begin(), settings.end(),
                     [flag](const auto& setting) { return setting.first == flag; });
}

absl::StatusOr<CommandLine> ScanArguments(const std::vector<std::string>& arguments,
                                          const std::vector<KnownFlag>& known,
                                          bool positional_allowed) {
  return Scanner(known, positional_allowed).Scan(arguments);
}

std::string HelpText(const Program& program, const std::vector<KnownFlag>& known) {
  std::string text =
      absl::StrCat(program.summary, "\n\nUsage: ", program.name, " ", program.synopsis, "\n");
  for (const FlagGroup& group : program.groups) {
    if (group.title == kHiddenGroup) continue;
    absl::StrAppend(&text, "\n", group.title, "\n");
    for (const std::string& name : group.flags) {
      for (const KnownFlag& flag : known) {
        if (flag.name == name) absl::StrAppend(&text, FlagHelp(flag));
      }
    }
  }
  absl::StrAppend(&text, kEveryProgramHelp, "\nExamples\n");
  for (const std::string& example : program.examples) absl::StrAppend(&text, "  ", example, "\n");
  return absl::StrCat(text, "\n", kExitCodesHelp);
}

absl::StatusOr<uint64_t> ReadCount(std::string_view flag, std::string_view value, uint64_t least,
                                   uint64_t most) {
  uint64_t count = 0;
  if (absl::SimpleAtoi(ToAbsl(value), &count) && count >= least && count <= most) return count;
  return Invalid(absl::StrCat("--", ToAbsl(flag), "=", ToAbsl(value),
                              ": needs a whole number from ", least, " to ", most));
}

absl::StatusOr<uint64_t> ReadMilliseconds(std::string_view flag, std::string_view value) {
  absl::Duration duration;
  if (absl::ParseDuration(std::string(value), &duration) && duration >= absl::Milliseconds(1) &&
      duration <= absl::Hours(24)) {
    return absl::ToInt64Milliseconds(duration);
  }
  return Invalid(absl::StrCat("--", ToAbsl(flag), "=", ToAbsl(value),
                              ": needs a duration such as 250ms, 10s or 1m30s, at most 24h"));
}

absl::StatusOr<size_t> ReadChoice(std::string_view flag, std::string_view value,
                                  const std::vector<std::string>& choices) {
  const auto found = std::find(choices.begin(), choices.end(), value);
  if (found != choices.end()) return found - choices.begin();
  return Invalid(absl::StrCat("--", ToAbsl(flag), "=", ToAbsl(value), ": needs one of ",
                              absl::StrJoin(choices, ", ")));
}

}  // namespace millrace
