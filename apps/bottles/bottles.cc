// 99 bottles of beer, sung by buddies who stand in a ring.
#include <errno.h>
#include <gflags/gflags.h>
#include <kj/async.h>
#include <string.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "apps/bottles/buddy.h"
#include "apps/bottles/verse.h"
#include "client/command_line.h"
#include "client/flag_parser.h"
#include "client/service_flags.h"
#include "mapreduce/status_macros.h"
#include "rpc/exit_codes.h"
#include "rpc/plain_lines.h"
#include "rpc/service_process.h"

DEFINE_string(listen, "", "HOST:PORT at which this buddy is called.");
DEFINE_string(next, "", "HOST:PORT of the next buddy; of this one itself in a ring of one.");
DEFINE_string(bottles, "",
              "How many bottles there are, 0 to 10000: this buddy begins the song. For exactly one "
              "of them, usually the last one started.");
DEFINE_bool(skip_dead, false, "Let the song go round a buddy whose process has ended.");
DEFINE_string(beat, "", "Pause before the next verse, such as 300ms; empty: none.");
DEFINE_string(patience, "30s", "How long a buddy that does not answer is looked for.");

namespace millrace {
namespace {

Program BottlesProgram() {
  Program program;
  program.name = "bottles";
  program.summary =
      "99 bottles of beer: buddies in a ring sing a verse each, one after the other, down to the "
      "last bottle. All run the same program; only the flags differ.";
  program.synopsis = "--listen=HOST:PORT --next=HOST:PORT [--bottles=N] [flags]";
  program.groups = {{"Ring", {"listen", "next", "bottles"}},
                    {"Song", {"skip_dead", "beat", "patience"}},
                    ReadyGroup(),
                    AccessGroup()};
  program.examples = {
      "terminal 1:  bottles --listen=127.0.0.1:7101 --next=127.0.0.1:7102",
      "terminal 2:  bottles --listen=127.0.0.1:7102 --next=127.0.0.1:7101 --bottles=99",
      "alone:       bottles --listen=127.0.0.1:7101 --next=127.0.0.1:7101 --bottles=3"};
  return program;
}

struct Setting {
  Buddy::Options buddy;
  std::optional<uint32_t> bottles;
};

absl::StatusOr<Setting> ReadSetting() {
  Setting setting;
  MILLRACE_ASSIGN_OR_RETURN(const ConnectionOptions own,
                            ReadServiceOptions("listen", FLAGS_listen));
  MILLRACE_ASSIGN_OR_RETURN(setting.buddy.connection,
                            ReadServiceOptions("next", FLAGS_next, PortZero::kRefused));
  if (!FLAGS_bottles.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(const uint64_t bottles,
                              ReadCount("bottles", FLAGS_bottles, 0, kMaxBottles));
    setting.bottles = static_cast<uint32_t>(bottles);
  }
  if (!FLAGS_beat.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(const uint64_t beat_ms, ReadMilliseconds("beat", FLAGS_beat));
    setting.buddy.beat = beat_ms * kj::MILLISECONDS;
  }
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t patience_ms,
                            ReadMilliseconds("patience", FLAGS_patience));
  setting.buddy.patience = patience_ms * kj::MILLISECONDS;
  RingState::Options& ring = setting.buddy.ring;
  ring.next = FLAGS_next;
  ring.skip_dead = FLAGS_skip_dead;
  ring.id = DrawNumber(setting.buddy.connection.entropy);
  return setting;
}

void Say(const std::string& news) {
  std::fprintf(stderr, "bottles: %s\n", PlainLines(news).c_str());
}

// In one write, so that a buddy that is killed has sung a verse whole or not at all. One that
// cannot be heard ends, as a dead one.
void SingAloud(uint32_t verse) {
  const std::string lines = LinesOf(verse);
  ssize_t written;
  do {
    written = write(STDOUT_FILENO, lines.data(), lines.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(lines.size())) return;
  Say(std::string("cannot write to standard output: ") +
      (written < 0 ? strerror(errno) : "no space for all of a verse"));
  _exit(kExitFailed);
}

int Sing(const Program& program, const Setting& setting) {
  ServiceProcess process(program.name, setting.buddy.connection);
  std::optional<Buddy> buddy;
  const absl::StatusOr<std::string> address = process.Serve(
      FLAGS_listen, [&buddy](const PeerInfo&) { return buddy->NewServer(); }, ReadyFilePath());
  if (!address.ok()) return process.Complain(kExitUsage, address.status());
  Say("listens on " + *address + "; the next one is " + FLAGS_next);
  buddy.emplace(process.timer(), process.network(), setting.buddy, Voice{SingAloud, Say});
  if (setting.bottles.has_value()) buddy->Start(*setting.bottles);
  return process.Run(buddy->Run());
}

int Main(int argc, char** argv) {
  StartLogging(argv[0], LogLevel::kErrors);
  const Program program = BottlesProgram();
  CommandLine line;
  if (const std::optional<int> exit_code = ParseFlags(argc, argv, program, &line)) {
    return *exit_code;
  }
  const absl::StatusOr<Setting> setting = ReadSetting();
  return setting.ok() ? Sing(program, *setting) : UsageError(program, setting.status());
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) { return millrace::Main(argc, argv); }
