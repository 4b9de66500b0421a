// The bank of rpc/tiny_bank.h as a process that serves it, and as one that calls it in any of the
// four modes of rpc/caller.h.
#include <gflags/gflags.h>
#include <kj/async.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/command_line.h"
#include "client/flag_parser.h"
#include "client/service_flags.h"
#include "mapreduce/status_macros.h"
#include "rpc/call_server.h"
#include "rpc/call_types.h"
#include "rpc/caller.h"
#include "rpc/durable_calls.h"
#include "rpc/exit_codes.h"
#include "rpc/io_thread.h"
#include "rpc/service_process.h"
#include "rpc/tiny_bank.h"

DEFINE_string(listen, "", "HOST:PORT at which the bank is called; port 0 takes any free one.");
DEFINE_string(database, "", "File of the bank that serves; made when it is not there.");
DEFINE_bool(forgetful, false, "Keep the replies in memory only, and the money on the disk.");
DEFINE_string(server, "", "HOST:PORT of the bank to call.");
DEFINE_string(mode, "exactly_once",
              "How it is called: plain, at_least_once, at_most_once, exactly_once.");
DEFINE_string(deadline, "30s", "How long a call is tried, but with exactly_once.");
DEFINE_string(patience, "5s", "How long a bank may be silent before its connection is given up.");

namespace millrace {
namespace {

Program BankProgram() {
  Program program;
  program.name = "bank";
  program.summary = "A bank with one account of 100, for tests of calls that run once.";
  program.synopsis = "--listen=HOST:PORT --database=FILE | --server=HOST:PORT REQUEST...";
  program.groups = {{"Serving", {"listen", "database", "forgetful"}},
                    {"Calling", {"server", "mode", "deadline", "patience"}},
                    ReadyGroup(),
                    AccessGroup()};
  program.examples = {"bank --listen=127.0.0.1:7400 --database=money",
                      "bank --server=127.0.0.1:7400 --mode=at_most_once 'deduct 10' balance"};
  program.positional_allowed = true;
  return program;
}

int Serve(const Program& program, const ConnectionOptions& connection) {
  ServiceProcess process(program.name, connection);
  IoThread thread;
  auto calls = DurableCalls::Open(FLAGS_database, kTinyBankSchema, TinyBank, thread);
  if (!calls.ok()) return process.Complain(kExitFailed, calls.status());
  CallServer::Service bank = [serve = (*calls)->MakeService()](const CallInfo& info,
                                                               std::string request) mutable {
    CallInfo call = info;
    if (FLAGS_forgetful) call.once = false;  // to the database, a call like any other
    std::string about = info.peer + ": " + request;
    return serve(call, std::move(request)).then([about](CallReply reply) {
      std::fprintf(stderr, "bank: %s: %s\n", about.c_str(), reply.bytes.c_str());
      return reply;
    });
  };
  kj::Own<CallServer> server =
      FLAGS_forgetful ? kj::heap<CallServer>(process.timer(), CallServerOptions(), kj::mv(bank))
                      : kj::heap<CallServer>(process.timer(), CallServerOptions(), kj::mv(bank),
                                             **calls, (*calls)->TakeClients());
  const absl::StatusOr<std::string> address = process.Serve(
      FLAGS_listen, [&](const PeerInfo& peer) { return server->Welcome(peer.address); },
      ReadyFilePath());
  if (!address.ok()) return process.Complain(kExitUsage, address.status());
  return process.Run((*calls)->Failure());
}

struct Setting {
  CallMode mode = CallMode::kPlain;
  ConnectionOptions connection;
  CallerOptions caller;
};

absl::StatusOr<Setting> ReadSetting() {
  Setting setting;
  MILLRACE_ASSIGN_OR_RETURN(setting.connection,
                            ReadServiceOptions("server", FLAGS_server, PortZero::kRefused));
  MILLRACE_ASSIGN_OR_RETURN(
      const size_t mode,
      ReadChoice("mode", FLAGS_mode, {"plain", "at_least_once", "at_most_once", "exactly_once"}));
  setting.mode = static_cast<CallMode>(mode);
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t patience, ReadMilliseconds("patience", FLAGS_patience));
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t deadline, ReadMilliseconds("deadline", FLAGS_deadline));
  setting.connection.handshake_timeout = patience * kj::MILLISECONDS;
  setting.caller.deadline = deadline * kj::MILLISECONDS;
  setting.caller.ping_period = setting.caller.ping_timeout = patience * kj::MILLISECONDS;
  setting.caller.backoff = {20 * kj::MILLISECONDS, 200 * kj::MILLISECONDS};
  return setting;
}

int Call(const Program& program, const Setting& setting, const std::vector<std::string>& requests) {
  ServiceProcess process(program.name, setting.connection);
  Caller caller(
      process.timer(), "the bank at " + FLAGS_server,
      [&]() {
        std::fprintf(stderr, "bank: dials\n");
        return process.Dial(FLAGS_server).then([](kj::Own<Connection> connection) {
          std::fprintf(stderr, "bank: connected\n");
          return connection;
        });
      },
      setting.caller);
  int exit_code = kExitSuccess;
  kj::Promise<void> work = kj::READY_NOW;
  for (const std::string& request : requests) {
    work = work.then([&, request]() { return caller.Call(setting.mode, request); })
               .then([&](CallResult result) {
                 const char* const names[] = {"done", "refused", "unknown"};
                 std::printf("%s: %s\n", names[static_cast<int>(result.end)], result.bytes.c_str());
                 if (result.end != CallEnd::kDone) exit_code = kExitUnreachable;
               });
  }
  const int failed = process.Run(kj::mv(work));
  return failed != kExitSuccess ? failed : exit_code;
}

int Main(int argc, char** argv) {
  StartLogging(argv[0], LogLevel::kErrors);
  const Program program = BankProgram();
  CommandLine line;
  if (const std::optional<int> exit_code = ParseFlags(argc, argv, program, &line)) {
    return *exit_code;
  }
  if (FLAGS_server.empty()) {
    const auto connection = ReadServiceOptions("listen", FLAGS_listen);
    if (FLAGS_database.empty()) {
      return UsageError(program, absl::InvalidArgumentError("--database is missing"));
    }
    return connection.ok() ? Serve(program, *connection) : UsageError(program, connection.status());
  }
  const absl::StatusOr<Setting> setting = ReadSetting();
  if (!setting.ok()) return UsageError(program, setting.status());
  return Call(program, *setting, line.positional);
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) { return millrace::Main(argc, argv); }
