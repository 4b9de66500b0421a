// Watches output folders while a simulation runs: a file under a final name must be complete the
// moment it appears, not before the journal has it that the job publishes, and never change after
// `_SUCCESS` is there.
//
// Knows nothing of how Millrace publishes but the names: part-*, _SUCCESS.
#ifndef MILLRACE_TESTS_SIM_OUTPUT_LOG_H_
#define MILLRACE_TESTS_SIM_OUTPUT_LOG_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/memory_file_system.h"
#include "tests/sim/process_file_system.h"

namespace millrace::sim {

class OutputLog final : public OutputWatcher {
 public:
  // Whether the journal, as far as it is synced, says that a job publishes to a folder.
  using Publishes = std::function<bool(const std::string& folder)>;

  OutputLog(MemoryFileSystem& shared_disk, Publishes publishes)
      : shared_disk_(shared_disk), publishes_(std::move(publishes)) {}

  void OnRenamed(const std::string& process, const std::string& to) override;
  void OnRemoved(const std::string& process, const std::string& path) override;
  void OnOpenedForWriting(const std::string& process, const std::string& path) override;

  // A job may write there again after it was published.
  void AllowOverwriting(const std::string& folder) { may_overwrite_.insert(folder); }

  // What went wrong, one sentence each.
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  void Complain(const std::string& process, const std::string& path, const std::string& what);

  MemoryFileSystem& shared_disk_;
  const Publishes publishes_;
  std::set<std::string> published_;  // folders with _SUCCESS
  std::set<std::string> may_overwrite_;
  std::vector<std::string> complaints_;
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_OUTPUT_LOG_H_
