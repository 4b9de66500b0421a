#include "storage/failpoint_setting.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "mapreduce/status_macros.h"
#include "mapreduce/strings.h"
#include "storage/nearest_name.h"

namespace millrace {
namespace {

constexpr char kUsage[] =
    "MILLRACE_FAILPOINT=NAME[@WORKER]:ACTION[:N[+]][:once][,...] makes a process misbehave at a\n"
    "named place, for tests and for people who want to see what happens then.\n"
    "\n"
    "  @WORKER        only in that worker and its executors (w1, w2, ... in a local cluster)\n"
    "  kill           SIGKILL of the process\n"
    "  pause          SIGSTOP of the process; SIGCONT lets it go on\n"
    "  fail           an error, as if the system had given it; places marked 'fail' below\n"
    "  delay=3s       blocks the thread that long, each time\n"
    "  N              at the Nth time that the process passes the place (default 1)\n"
    "  N+             at the Nth time and every later one\n"
    "  once           only the first of all processes; needs MILLRACE_FAILPOINT_LOG\n"
    "\n"
    "A place that acts says so on standard error first. MILLRACE_FAILPOINT_LOG=FILE also appends\n"
    "NAME<TAB>PID<TAB>ACTION<TAB>DETAIL to the file; `once` is claimed by making FILE.NAME.\n"
    "\n";

absl::Status Malformed(absl::string_view setting, const std::string& what) {
  return absl::InvalidArgumentError(
      absl::StrCat("MILLRACE_FAILPOINT: '", setting, "': ", what,
                   "; it is NAME[@WORKER]:ACTION[:N[+]][:once], see --list_failpoints"));
}

absl::StatusOr<const FailpointInfo*> FindPlace(absl::string_view name) {
  std::vector<std::string> names;
  for (const FailpointInfo& info : kFailpoints) {
    if (ToAbsl(info.name) == name) return &info;
    names.emplace_back(info.name);
  }
  const std::string nearest = NearestName(ToStd(name), names);
  return absl::InvalidArgumentError(
      absl::StrCat("MILLRACE_FAILPOINT: there is no failpoint '", name, "'",
                   nearest.empty() ? "" : absl::StrCat("; did you mean ", nearest, "?"),
                   nearest.empty() ? "; " : " ", "--list_failpoints lists them"));
}

// "kill", "delay=3s".
bool ParseAction(absl::string_view text, FailpointSetting* setting) {
  for (const FailpointAction action :
       {FailpointAction::kKill, FailpointAction::kPause, FailpointAction::kFail}) {
    setting->action = action;
    if (text == Name(action)) return true;
  }
  setting->action = FailpointAction::kDelay;
  setting->and_later = true;
  return absl::ConsumePrefix(&text, "delay=") &&
         absl::ParseDuration(std::string(text), &setting->delay) &&
         setting->delay > absl::ZeroDuration() && setting->delay <= absl::Hours(24);
}

// "3", "3+", "once".
bool ParseWhen(absl::string_view text, FailpointSetting* setting) {
  if (text == "once") {
    setting->once = true;
    return true;
  }
  if (absl::ConsumeSuffix(&text, "+")) setting->and_later = true;
  return absl::SimpleAtoi(text, &setting->nth) && setting->nth > 0;
}

absl::StatusOr<FailpointSetting> ParseOne(absl::string_view text) {
  FailpointSetting setting;
  const std::vector<absl::string_view> fields = absl::StrSplit(text, ':');
  const std::pair<absl::string_view, absl::string_view> place =
      absl::StrSplit(fields[0], absl::MaxSplits('@', 1));
  MILLRACE_ASSIGN_OR_RETURN(const FailpointInfo* info, FindPlace(place.first));
  setting.place = info->place;
  setting.worker = std::string(place.second);
  if (!setting.worker.empty() && (info->process == "master" || info->process == "service")) {
    return Malformed(text, absl::StrCat(ToAbsl(info->name), " is in the ", ToAbsl(info->process),
                                        ", not in a worker"));
  }
  if (fields.size() < 2) return Malformed(text, "the action is missing");
  if (!ParseAction(fields[1], &setting)) {
    return Malformed(text, "the action is one of kill, pause, fail, delay=DURATION");
  }
  if (setting.action == FailpointAction::kFail && !info->can_fail) {
    return Malformed(text, absl::StrCat(ToAbsl(info->name), " has nobody to fail to"));
  }
  for (size_t i = 2; i < fields.size(); ++i) {
    if (!ParseWhen(fields[i], &setting)) return Malformed(text, "N is a number from 1 on");
  }
  return setting;
}

}  // namespace

const char* Name(FailpointAction action) {
  switch (action) {
    case FailpointAction::kKill: return "kill";
    case FailpointAction::kPause: return "pause";
    case FailpointAction::kFail: return "fail";
    case FailpointAction::kDelay: return "delay";
  }
  return "unknown";
}

absl::StatusOr<std::vector<FailpointSetting>> ParseFailpoints(std::string_view text) {
  std::vector<FailpointSetting> settings;
  for (const absl::string_view one : absl::StrSplit(ToAbsl(text), ',', absl::SkipEmpty())) {
    MILLRACE_ASSIGN_OR_RETURN(FailpointSetting setting, ParseOne(one));
    settings.push_back(std::move(setting));
  }
  return settings;
}

std::string ListOfFailpoints() {
  std::string text = kUsage;
  for (const FailpointInfo& info : kFailpoints) {
    absl::StrAppendFormat(&text, "%-24s %-9s %-5s %s\n", ToAbsl(info.name), ToAbsl(info.process),
                          info.can_fail ? "fail" : "", ToAbsl(info.what));
  }
  return text;
}

}  // namespace millrace
