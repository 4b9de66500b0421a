// Talks to others: one process serves, everybody else joins it.
//
//   chat --listen=127.0.0.1:7300
//   chat --server=127.0.0.1:7300 --name=alice
#include <gflags/gflags.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "apps/chat/chat_client.h"
#include "apps/chat/chat_server.h"
#include "apps/chat/chat_terminal.h"
#include "apps/chat/plain_text.h"
#include "apps/chat/room.h"
#include "client/command_line.h"
#include "client/flag_parser.h"
#include "client/service_flags.h"
#include "mapreduce/status_macros.h"
#include "rpc/address.h"
#include "rpc/connection.h"
#include "rpc/exit_codes.h"
#include "rpc/service_process.h"

DEFINE_string(listen, "", "HOST:PORT to serve at; port 0 takes any free one.");
DEFINE_string(server, "", "HOST:PORT of the server to join.");
DEFINE_string(name, "",
              "Who you are to the others: up to 32 bytes without white space and colons.");
DEFINE_string(grace, "15s",
              "How long a client that has lost its connection may take to come back.");
DEFINE_string(queue, "1024",
              "Messages that may wait for a client that does not read; with one more it is "
              "dropped. At least 64.");

namespace millrace::chat {
namespace {

constexpr uint64_t kQueueMin = 64;  // several times what one client sends at once
constexpr uint64_t kQueueMax = 100'000;

Program ChatProgram() {
  Program program;
  program.name = "chat";
  program.summary =
      "Serves a room, or joins one: what is typed appears once at everybody else in the room, in "
      "the same order at all of them. Ctrl-D or Ctrl-C leaves.";
  program.synopsis = "--listen=HOST:PORT | --server=HOST:PORT --name=NAME";
  program.groups = {{"Join", {"server", "name"}},
                    {"Serve", {"listen", "grace", "queue"}},
                    ReadyGroup(),
                    AccessGroup()};
  program.examples = {"chat --listen=127.0.0.1:7300               # in one terminal",
                      "chat --server=127.0.0.1:7300 --name=alice  # in another; type, and see bob",
                      "chat --server=127.0.0.1:7300 --name=bob    # in a third"};
  return program;
}

absl::StatusOr<RoomOptions> ReadRoomOptions() {
  RoomOptions options;
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t grace_ms, ReadMilliseconds("grace", FLAGS_grace));
  options.grace = absl::Milliseconds(grace_ms);
  MILLRACE_ASSIGN_OR_RETURN(options.window, ReadCount("queue", FLAGS_queue, kQueueMin, kQueueMax));
  return options;
}

int Serve(const Program& program) {
  const absl::StatusOr<ConnectionOptions> access = ReadServiceOptions("listen", FLAGS_listen);
  if (!access.ok()) return UsageError(program, access.status());
  const absl::StatusOr<RoomOptions> room = ReadRoomOptions();
  if (!room.ok()) return UsageError(program, room.status());

  ServiceProcess process(program.name, *access);
  ChatServer chat(process.timer(), *room);
  const absl::StatusOr<std::string> address = process.Serve(
      FLAGS_listen, [&chat](const PeerInfo&) { return chat.NewDoor(); }, ReadyFilePath());
  if (!address.ok()) return process.Complain(kExitUsage, address.status());
  std::fprintf(stderr, "chat listens on %s\njoin with: chat --server=%s --name=NAME\n",
               address->c_str(), address->c_str());
  return process.RunUntilStopped();
}

ChatClientOptions ClientOptions(const ConnectionOptions& access) {
  ChatClientOptions options;
  options.name = FLAGS_name;
  options.server = FLAGS_server;
  options.ping_period = access.ping_period;
  options.ping_timeout = access.ping_timeout;
  uint8_t bytes[kSessionBytes] = {};
  access.entropy(bytes, sizeof(bytes));
  options.session.assign(reinterpret_cast<const char*>(bytes), sizeof(bytes));
  options.seed = DrawNumber(access.entropy);
  return options;
}

absl::Status Explain(const ChatEnd& end) {
  std::string unheard;
  if (!end.unheard.empty()) {
    unheard = absl::StrCat("\nnobody ", end.forgotten ? "may have" : "has", " heard:\n  ",
                           absl::StrJoin(end.unheard, "\n  "));
  }
  return absl::UnavailableError(end.reason + unheard);
}

int Join(const Program& program) {
  const absl::StatusOr<ConnectionOptions> access =
      ReadServiceOptions("server", FLAGS_server, PortZero::kRefused);
  if (!access.ok()) return UsageError(program, access.status());
  if (FLAGS_name.empty()) {
    return UsageError(program, absl::InvalidArgumentError("--name is missing: give --name=NAME"));
  }
  if (const absl::Status checked = CheckName(FLAGS_name); !checked.ok()) {
    return UsageError(program,
                      absl::InvalidArgumentError(absl::StrCat("--name: ", checked.message())));
  }

  ServiceProcess process(program.name, *access);
  ChatScreen screen(process.io().unixEventPort, STDOUT_FILENO);
  ChatClient client(
      process.timer(), [&process]() { return process.Dial(FLAGS_server); }, screen,
      ClientOptions(*access));
  Keyboard keyboard(process.io().unixEventPort, STDIN_FILENO, client);

  std::optional<ChatEnd> end;
  kj::Promise<void> typing = keyboard.Run().eagerlyEvaluate(nullptr);
  const int exit_code =
      process.Run(client.Run().then([&end](ChatEnd how) { end = std::move(how); }));
  if (exit_code != kExitSuccess) return exit_code;
  if (!end.has_value()) return process.Run(client.SayGoodbye());  // stopped by a signal
  return end->reason.empty() ? kExitSuccess : process.Complain(kExitUnreachable, Explain(*end));
}

int Main(int argc, char** argv) {
  StartLogging(argv[0], LogLevel::kErrors);
  const Program program = ChatProgram();
  CommandLine line;
  if (const std::optional<int> exit_code = ParseFlags(argc, argv, program, &line)) {
    return *exit_code;
  }
  if (FLAGS_listen.empty() == FLAGS_server.empty()) {
    const char* const wrong = FLAGS_listen.empty() ? "neither --listen nor --server is given"
                                                   : "--listen and --server do not go together";
    return UsageError(program, absl::InvalidArgumentError(absl::StrCat(
                                   wrong,
                                   ": --listen=HOST:PORT serves a room, --server=HOST:PORT "
                                   "--name=NAME joins one")));
  }
  return FLAGS_listen.empty() ? Join(program) : Serve(program);
}

}  // namespace
}  // namespace millrace::chat

int main(int argc, char** argv) { return millrace::chat::Main(argc, argv); }
