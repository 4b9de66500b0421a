// What MILLRACE_FAILPOINT says: a list of settings, separated by commas.
//
//   NAME[@WORKER]:ACTION[:N[+]][:once]
//
//   map.running:pause               at the first time: stop the process (SIGSTOP)
//   map.launched@w2:kill:3          kill worker w2 (SIGKILL) when it launches its third map
//   shuffle.serve:fail:2+           from the second time on, every time
//   worker.heartbeat:delay=3s       block the thread for 3 s at every heartbeat
//   reduce.running:kill:1:once      only the first process that gets there
//
// N counts from 1, in each process; without it, 1 (and 1+ for delay). Plain values.
#ifndef MILLRACE_STORAGE_FAILPOINT_SETTING_H_
#define MILLRACE_STORAGE_FAILPOINT_SETTING_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/failpoint_table.h"

namespace millrace {

enum class FailpointAction : uint8_t { kKill, kPause, kFail, kDelay };

// "kill", "pause", "fail", "delay".
const char* Name(FailpointAction action);

struct FailpointSetting {
  Failpoint place = Failpoint::kMapLaunched;
  std::string worker;  // only there; empty: everywhere
  FailpointAction action = FailpointAction::kKill;
  absl::Duration delay;
  uint64_t nth = 1;
  bool and_later = false;  // also every time after the nth
  bool once = false;       // once for all processes that share a log

  // Whether it acts when the place is passed for the `passed`th time.
  bool ActsAt(uint64_t passed) const { return passed == nth || (and_later && passed > nth); }
};

// An error names the setting, what is wrong with it and what may stand there.
absl::StatusOr<std::vector<FailpointSetting>> ParseFailpoints(std::string_view text);

// The text of --list_failpoints.
std::string ListOfFailpoints();

}  // namespace millrace

#endif  // MILLRACE_STORAGE_FAILPOINT_SETTING_H_
