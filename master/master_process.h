// A master as a process of its own: everything around Master that only a process has, such as
// signals, ports, the state folder and exit codes.
#ifndef MILLRACE_MASTER_MASTER_PROCESS_H_
#define MILLRACE_MASTER_MASTER_PROCESS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace millrace {

struct MasterOptions {
  std::string listen = "127.0.0.1:7070";  // port 0: any free one
  // Workers that listen and wait to be dialled, HOST:PORT each.
  std::vector<std::string> dial_workers;
  // Empty: nothing outlives the process (a cluster that a job binary starts for itself).
  std::string state_dir;
  std::string http;  // HOST:PORT; empty: no page

  std::string cluster_key_file;
  bool insecure = false;  // beyond loopback without a key

  absl::Duration lease = absl::Seconds(10);
  uint64_t reuse_bytes = uint64_t{10} << 30;  // see Master::Options
  // Written by rename when all is ready, removed at the end: {"pid": 1, "listen": "HOST:PORT",
  // "http": "HOST:PORT"}.
  std::string ready_file;
  // At its end of file the master stops; -1: none.
  int lifeline_fd = -1;
  // Called once, when listening, with the real address, before the ready file is written; a failure
  // ends the master.
  std::function<absl::Status(const std::string& address)> on_ready;
};

// Runs a master until SIGTERM, SIGINT or the end of its lifeline. Returns the exit code: 0 stopped
// as asked, 1 failed, 2 it cannot start like this. Says why on standard error. Once a process.
int RunMaster(const MasterOptions& options);

}  // namespace millrace

#endif  // MILLRACE_MASTER_MASTER_PROCESS_H_
