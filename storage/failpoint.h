// Named places where a test can make this process die, stop, wait or fail.
//
//   PassFailpoint(Failpoint::kReportSent);
//   MILLRACE_RETURN_IF_ERROR(CheckFailpoint(Failpoint::kMapRunning));
//
// Compiled in, so that what is tested is what runs; off unless MILLRACE_FAILPOINT says otherwise
// (storage/failpoint_setting.h has its grammar), and then each place costs one branch. The state is
// global, as the environment variable is: a place deep in a library is nobody's to configure.
// Armed from main, before other threads are there; places may then be passed on any thread.
#ifndef MILLRACE_STORAGE_FAILPOINT_H_
#define MILLRACE_STORAGE_FAILPOINT_H_

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "rpc/task_types.h"
#include "storage/failpoint_table.h"

namespace millrace {

inline constexpr char kFailpointVariable[] = "MILLRACE_FAILPOINT";
inline constexpr char kFailpointLogVariable[] = "MILLRACE_FAILPOINT_LOG";

// Reads the two variables. An error says what is wrong with them; nothing is armed then.
absl::Status ArmFailpointsFromEnvironment();

// The same from values: `settings` as in the variable, `log` may be empty.
absl::Status ArmFailpoints(std::string_view settings, const std::string& log);

// The name of the worker that this process is. Others take MILLRACE_WORKER, which executors have.
void SetFailpointWorker(const std::string& name);

// The two variables as "NAME=value", for the environment of a process that we start.
std::vector<std::string> FailpointEnvironment();

namespace failpoint_internal {
extern std::atomic<bool> armed;
absl::Status Pass(Failpoint place, const std::function<std::string()>& detail);
}  // namespace failpoint_internal

// Returns an error when the place is told to fail. The detail, a function that returns a string,
// says which attempt it is about.
template <typename Detail>
absl::Status CheckFailpoint(Failpoint place, const Detail& detail) {
  if (!failpoint_internal::armed.load(std::memory_order_relaxed)) return absl::OkStatus();
  return failpoint_internal::Pass(place, detail);
}

// For executors, whose environment says which attempt they run, and where it is about none.
inline absl::Status CheckFailpoint(Failpoint place) { return CheckFailpoint(place, nullptr); }

// For places that cannot fail.
template <typename Detail>
void PassFailpoint(Failpoint place, const Detail& detail) {
  CheckFailpoint(place, detail).IgnoreError();  // the table says that it cannot
}
inline void PassFailpoint(Failpoint place) { PassFailpoint(place, nullptr); }

// A detail: "task=map-00003 attempt=attempt-1-5".
std::string FailpointDetail(const TaskId& task, const AttemptId& attempt);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_FAILPOINT_H_
