// A worker process: what surrounds the worker's shell on a real machine. It makes the scratch
// folder, listens, keeps dialling the master or waits to be dialled, and ends in an orderly way.
//
// The caller has set up logging and read the flags. One thread and one I/O thread.
#ifndef MILLRACE_WORKER_WORKER_PROCESS_H_
#define MILLRACE_WORKER_WORKER_PROCESS_H_

#include <cstdint>
#include <functional>
#include <string>

namespace millrace {

struct WorkerOptions {
  // HOST:PORT of the master to join, retried for ever; empty: it dials us at `listen`.
  std::string master;
  // For other workers that fetch map outputs, and for a master that dials.
  std::string listen = "127.0.0.1:0";
  uint32_t slots = 1;
  // A folder of this process is made in it; empty: in $TMPDIR.
  std::string scratch_folder;
  // The host under which others reach us; empty: the one of `listen`, or when that means every
  // address, the one from which we reach the master.
  std::string advertise;
  std::string name;  // empty: made of the host's name and the process id
  // Gets {"pid":..,"listen":"HOST:PORT","name":".."} when the worker listens, and is removed at its
  // end; empty: none.
  std::string ready_file;
  // Called once, when the worker listens, with the real address; may be empty.
  std::function<void(const std::string& address)> on_ready;
  std::string cluster_key_file;
  bool insecure = false;  // listen beyond loopback without a key
  // The worker ends when this descriptor comes to its end; -1: none.
  int lifeline_fd = -1;
};

// Runs until SIGTERM (drains first), SIGINT or the end of the lifeline, and returns the exit code:
// 0 stopped, 2 it cannot start like this (nothing was done), 3 refused by the master, 6 the master
// has another version. Says why on standard error.
int RunWorker(const WorkerOptions& options);

}  // namespace millrace

#endif  // MILLRACE_WORKER_WORKER_PROCESS_H_
