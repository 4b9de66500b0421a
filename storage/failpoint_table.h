// All failpoints of Millrace, one line each: where a process can be made to die, stop, wait or
// fail.
//
// Add a place here, and one call of PassFailpoint or CheckFailpoint in the code that it names
// (storage/failpoint.h). Constants only.
#ifndef MILLRACE_STORAGE_FAILPOINT_TABLE_H_
#define MILLRACE_STORAGE_FAILPOINT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millrace {

enum class Failpoint : uint8_t {
  kMapLaunched,
  kMapRunning,
  kMapBeforeRename,
  kMapBeforeReport,
  kReduceFetching,
  kReduceLaunched,
  kReduceRunning,
  kReduceBeforeSync,
  kReduceBeforeReport,
  kReportSent,
  kShuffleServe,
  kRegister,
  kHeartbeat,
  kPublishBegin,
  kPublishBetweenRenames,
  kPublishBeforeSuccess,
  kPublishAfterSuccess,
  kJournalBeforeAppend,
  kJournalBeforeFold,
  kJournalBeforeSync,
  kJournalAfterSync,
  kCallBegin,
  kCallBeforeCommit,
  kCallAfterCommit,
};

struct FailpointInfo {
  Failpoint place;
  std::string_view name;
  std::string_view process;  // "executor", "worker", "master" or "service"
  bool can_fail;             // whether it takes the action `fail`
  std::string_view what;     // one line
};

inline constexpr FailpointInfo kFailpoints[] = {
    {Failpoint::kMapLaunched, "map.launched", "worker", false,
     "a map attempt has been handed to its executor"},
    {Failpoint::kMapRunning, "map.running", "executor", true,
     "a map attempt has read the first chunk of its input"},
    {Failpoint::kMapBeforeRename, "map.before_rename", "executor", true,
     "a map output is written, under its temporary name"},
    {Failpoint::kMapBeforeReport, "map.before_report", "worker", false,
     "a map output has its name, and the master does not know of it"},
    {Failpoint::kReduceFetching, "reduce.fetching", "worker", true,
     "a reduce attempt is about to open a partition at another worker"},
    {Failpoint::kReduceLaunched, "reduce.launched", "worker", false,
     "a reduce attempt has all it needs and has been handed to its executor"},
    {Failpoint::kReduceRunning, "reduce.running", "executor", true,
     "a reduce attempt has its sources open and begins to merge"},
    {Failpoint::kReduceBeforeSync, "reduce.before_sync", "executor", true,
     "a part is written, neither synced nor renamed"},
    {Failpoint::kReduceBeforeReport, "reduce.before_report", "worker", false,
     "a part has its attempt's name, and the master does not know of it"},
    {Failpoint::kReportSent, "worker.report_sent", "worker", false,
     "the master has answered a report, and this worker has not noted it yet"},
    {Failpoint::kShuffleServe, "shuffle.serve", "worker", true,
     "a partition is about to be served; a failure makes the source gone"},
    {Failpoint::kRegister, "worker.register", "worker", true,
     "about to register with the master; a failure breaks the connection"},
    {Failpoint::kHeartbeat, "worker.heartbeat", "worker", true,
     "about to send a heartbeat; a failure skips it"},
    {Failpoint::kPublishBegin, "publish.begin", "master", true,
     "all parts are done, none is renamed"},
    {Failpoint::kPublishBetweenRenames, "publish.between_renames", "master", true,
     "a part is renamed, another one is not"},
    {Failpoint::kPublishBeforeSuccess, "publish.before_success", "master", true,
     "all parts are renamed, _SUCCESS is not written"},
    {Failpoint::kPublishAfterSuccess, "publish.after_success", "master", true,
     "_SUCCESS is there, the journal does not know"},
    {Failpoint::kJournalBeforeAppend, "journal.before_append", "master", true,
     "the journal is about to take new facts"},
    {Failpoint::kJournalBeforeFold, "journal.before_fold", "master", true,
     "what the journal says of a job is about to be replaced or removed"},
    {Failpoint::kJournalBeforeSync, "journal.before_sync", "master", true,
     "new facts are appended and not synced"},
    {Failpoint::kJournalAfterSync, "journal.after_sync", "master", false,
     "new facts are durable, nobody has acted on them"},
    {Failpoint::kCallBegin, "call.begin", "service", false,
     "a service with a database is about to execute a call"},
    {Failpoint::kCallBeforeCommit, "call.before_commit", "service", true,
     "calls are executed, their effects and replies not committed"},
    {Failpoint::kCallAfterCommit, "call.after_commit", "service", false,
     "effects and replies are durable, nobody has been told"},
};
inline constexpr size_t kFailpointCount = sizeof(kFailpoints) / sizeof(kFailpoints[0]);

constexpr bool FailpointsAreInOrder() {
  for (size_t i = 0; i < kFailpointCount; ++i) {
    if (static_cast<size_t>(kFailpoints[i].place) != i) return false;
  }
  return kFailpointCount == static_cast<size_t>(Failpoint::kCallAfterCommit) + 1;
}
static_assert(FailpointsAreInOrder(), "the table follows the enumeration");

constexpr const FailpointInfo& InfoOf(Failpoint place) {
  return kFailpoints[static_cast<size_t>(place)];
}

}  // namespace millrace

#endif  // MILLRACE_STORAGE_FAILPOINT_TABLE_H_
