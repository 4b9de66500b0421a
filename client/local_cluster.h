// Worker processes on this machine, and whole clusters of a master and its workers, that live as
// long as the object that started them.
//
// All their state lies under one folder, removed with the object. If this process dies without
// destroying it (SIGKILL), the processes end all the same; see client/role_process.h. One thread.
#ifndef MILLRACE_CLIENT_LOCAL_CLUSTER_H_
#define MILLRACE_CLIENT_LOCAL_CLUSTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/role_process.h"

namespace millrace {

// A new folder that only we can read; the destructor removes it with all it holds.
class TemporaryFolder {
 public:
  // In `parent`, made if need be; empty means $TMPDIR, else /tmp, which must exist. An error is
  // kInvalidArgument and names the flag or variable to change.
  static absl::StatusOr<std::unique_ptr<TemporaryFolder>> Make(const std::string& parent);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

struct LocalWorkersOptions {
  std::string master;  // HOST:PORT
  uint32_t count = 1;  // processes, with one slot each
  std::string folder;  // each makes its scratch folder in it
  std::string cluster_key_file;
  bool insecure = false;
};

class LocalWorkers {
 public:
  // Returns when the processes are started; they join the master by themselves.
  static absl::StatusOr<std::unique_ptr<LocalWorkers>> Start(const LocalWorkersOptions& options);
  ~LocalWorkers();
  LocalWorkers(const LocalWorkers&) = delete;
  LocalWorkers& operator=(const LocalWorkers&) = delete;

  const std::vector<std::unique_ptr<RoleProcess>>& processes() const { return processes_; }

 private:
  LocalWorkers() = default;
  std::vector<std::unique_ptr<RoleProcess>> processes_;
};

class LocalCluster {
 public:
  // Returns when the master listens and the workers are started. `parent_folder` as in
  // TemporaryFolder::Make.
  static absl::StatusOr<std::unique_ptr<LocalCluster>> Start(uint32_t workers,
                                                             const std::string& parent_folder);
  // Ends workers and master and removes the folder.
  ~LocalCluster();
  LocalCluster(const LocalCluster&) = delete;
  LocalCluster& operator=(const LocalCluster&) = delete;

  // Where the master listens.
  const std::string& address() const { return address_; }
  // The key that the master asks for: nobody else on this machine can reach it.
  const std::string& key_file() const { return key_file_; }

  RoleProcess& master() { return *master_; }
  const LocalWorkers& workers() const { return *workers_; }

 private:
  LocalCluster() = default;

  // In the order of their making; destroyed in reverse, so that the folder goes last.
  std::unique_ptr<TemporaryFolder> folder_;
  std::string key_file_;
  std::unique_ptr<RoleProcess> master_;
  std::string address_;
  std::unique_ptr<LocalWorkers> workers_;
};

// One per core that this process may use.
uint32_t CoreCount();

}  // namespace millrace

#endif  // MILLRACE_CLIENT_LOCAL_CLUSTER_H_
