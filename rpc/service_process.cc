#include "rpc/service_process.h"

#include <fcntl.h>
#include <kj/debug.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "rpc/address.h"
#include "rpc/exit_codes.h"
#include "rpc/json_writer.h"
#include "rpc/listen.h"
#include "rpc/plain_lines.h"
#include "rpc/reach_hint.h"

namespace millrace {
namespace {

// A standard descriptor that was closed would be the first that something else gets: a song would
// go out on a connection.
void OpenStandardDescriptors() {
  int fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/dev/null", O_RDWR);
  if (fd >= 0) close(fd);
}

// Signals wait from here on, so that none can strike before somebody listens. Large messages take
// memory that others have left: to get it from the kernel, cleared, page by page, takes longer than
// all else that is done with them.
kj::AsyncIoContext SetUp() {
  OpenStandardDescriptors();
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  StopSignals::Capture();
  return kj::setupAsyncIo();
}

std::string Announcement(const std::string& address) {
  JsonWriter json;
  json.OpenObject().Key("pid").Number(static_cast<uint64_t>(getpid()));
  json.Key("listen").String(address).CloseObject();
  return std::move(json).Take();
}

}  // namespace

ServiceProcess::ServiceProcess(std::string name, const ConnectionOptions& options)
    : name_(std::move(name)), options_(options), io_(SetUp()), signals_(io_.unixEventPort) {}

absl::StatusOr<std::string> ServiceProcess::Serve(const std::string& address,
                                                  ServiceHost::Welcome welcome,
                                                  const std::string& ready_file) {
  MILLRACE_ASSIGN_OR_RETURN(HostPort real, ParseHostPort(address, PortZero::kAllowed));
  ready_file_ = std::make_unique<ReadyFile>(fs_, ready_file);
  MILLRACE_RETURN_IF_ERROR(ready_file_->Check());
  MILLRACE_ASSIGN_OR_RETURN(auto receiver, ListenOn(io_, address));
  MILLRACE_RETURN_IF_ERROR(ready_file_->RemoveStale());
  host_ = std::make_unique<ServiceHost>(timer(), kj::mv(receiver), options_, kj::mv(welcome));
  real.port = static_cast<uint16_t>(host_->port());
  MILLRACE_RETURN_IF_ERROR(ready_file_->Write(Announcement(ToString(real))));
  return ToString(real);
}

kj::Promise<kj::Own<Connection>> ServiceProcess::Dial(std::string address,
                                                      capnp::Capability::Client own) {
  return millrace::Dial(network(), timer(), address, Role::kClient, options_, kj::mv(own))
      .then(
          [this](kj::Own<Connection> connection) -> kj::Promise<kj::Own<Connection>> {
            refused_ = false;  // whatever fails from now on is another failure
            return kj::mv(connection);
          },
          [this, address](kj::Exception&& e) -> kj::Promise<kj::Own<Connection>> {
            refused_ = e.getType() == kj::Exception::Type::FAILED;
            if (e.getType() != kj::Exception::Type::DISCONNECTED) return kj::mv(e);
            return ToException(absl::UnavailableError(
                absl::StrCat(e.getDescription().cStr(), "\n", WhatToCheck(address))));
          });
}

int ServiceProcess::Run(kj::Promise<void> work) {
  auto stopped = signals_.Terminated().exclusiveJoin(signals_.Interrupted());
  if (host_ != nullptr) stopped = stopped.exclusiveJoin(host_->Run());
  const auto failure =
      kj::runCatchingExceptions([&]() { work.exclusiveJoin(kj::mv(stopped)).wait(io_.waitScope); });
  KJ_IF_MAYBE (exception, failure) {
    const absl::Status status = ToStatus(*exception);
    const bool refused = refused_ && exception->getType() == kj::Exception::Type::FAILED;
    return Complain(refused ? kExitUnreachable : ExitCodeOf(status), status);
  }
  return kExitSuccess;
}

int ServiceProcess::Complain(int exit_code, const absl::Status& status) const {
  // It may be what the other end says.
  const std::string message = PlainLines(std::string(status.message()));
  std::fprintf(stderr, "%s: %s\n", name_.c_str(), message.c_str());
  return exit_code;
}

}  // namespace millrace
