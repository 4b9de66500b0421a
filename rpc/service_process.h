// What a process that serves, or that calls a service, is made of: an event loop, a port or a
// connection, signals, and an exit code.
//
//   ServiceProcess process("chat", access);
//   MILLRACE_ASSIGN_OR_RETURN(address, process.Serve(listen, welcome, ready_file));
//   return process.RunUntilStopped();
//
//   ServiceProcess process("chat", access);
//   return process.Run(process.Dial(server).then([&](auto connection) { ... }));
//
// One a process, on the stack of its main thread, made before any other thread is there.
#ifndef MILLRACE_RPC_SERVICE_PROCESS_H_
#define MILLRACE_RPC_SERVICE_PROCESS_H_

#include <kj/async-io.h>
#include <kj/async.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "rpc/connection.h"
#include "rpc/ready_file.h"
#include "rpc/service_host.h"
#include "rpc/status_exception.h"
#include "rpc/stop_signals.h"
#include "storage/posix_file_system.h"

namespace millrace {

class ServiceProcess {
 public:
  // `name` begins every message: "chat: cannot listen on ...".
  ServiceProcess(std::string name, const ConnectionOptions& options);
  KJ_DISALLOW_COPY(ServiceProcess);

  // Listens on `address`, HOST:PORT, and serves while Run or RunUntilStopped runs. Then writes
  // `ready_file` (rpc/ready_file.h; "": none) and returns the real address. Once a process. Errors
  // say why not and what to do.
  absl::StatusOr<std::string> Serve(const std::string& address, ServiceHost::Welcome welcome,
                                    const std::string& ready_file);

  // As Dial of rpc/connection.h, as a client. When nobody can be reached, the message also says
  // what to check (rpc/reach_hint.h). A process that only serves need not call it.
  kj::Promise<kj::Own<Connection>> Dial(std::string address,
                                        capnp::Capability::Client own = nullptr);

  // Runs until `work` has ended, or somebody asks the process to stop with SIGTERM or SIGINT: that
  // is exit code 0. When `work` rejects, says why on standard error and returns the exit code that
  // stands for it (rpc/exit_codes.h).
  int Run(kj::Promise<void> work);
  int RunUntilStopped() { return Run(kj::NEVER_DONE); }

  // Says what is wrong and returns `exit_code`.
  int Complain(int exit_code, const absl::Status& status) const;

  kj::Timer& timer() { return io_.provider->getTimer(); }
  kj::Network& network() { return io_.provider->getNetwork(); }
  kj::AsyncIoContext& io() { return io_; }
  const ConnectionOptions& options() const { return options_; }

 private:
  const std::string name_;
  const ConnectionOptions options_;
  const ExceptionLogging logging_;
  kj::AsyncIoContext io_;
  StopSignals signals_;
  PosixFileSystem fs_;
  std::unique_ptr<ReadyFile> ready_file_;
  std::unique_ptr<ServiceHost> host_;  // null while nothing is served
  bool refused_ = false;               // the last dial ended because of what the other end said
};

}  // namespace millrace

#endif  // MILLRACE_RPC_SERVICE_PROCESS_H_
