// How far this machine's clock is from another one's.
#include <gflags/gflags.h>
#include <kj/async.h>
#include <kj/time.h>

#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "apps/clock_sync/clock_service.h"
#include "apps/clock_sync/estimate.h"
#include "client/command_line.h"
#include "client/flag_parser.h"
#include "client/service_flags.h"
#include "mapreduce/status_macros.h"
#include "rpc/exit_codes.h"
#include "rpc/service_process.h"

DEFINE_string(listen, "", "HOST:PORT at which to tell the time; port 0 takes any free one.");
DEFINE_string(server, "", "HOST:PORT of a server to ask for its time.");
DEFINE_string(samples, "8", "How often to ask, 1 to 10000; the quickest answer counts.");
DEFINE_string(skew, "0s",
              "Pretend that the clock of this process is ahead by so much, such as 5s or -1h; no "
              "machine's clock is ever set.");
DEFINE_string(work, "",
              "Pretend to work so long on every question, such as 300ms, to see that it does not "
              "count; empty: answer at once.");

namespace millrace {
namespace {

constexpr uint64_t kMaxSamples = 10'000;
constexpr absl::Duration kMaxSkew = absl::Hours(24 * 366);

Program ClockSyncProgram() {
  Program program;
  program.name = "clock_sync";
  program.summary =
      "Asks another machine for the time with Cristian's algorithm, and prints how far its clock "
      "is "
      "ahead, how long the way there and back took, and how wrong that can be at most. Sets no "
      "clock.";
  program.synopsis = "--listen=HOST:PORT | --server=HOST:PORT [flags]";
  program.groups = {{"Roles", {"listen", "server"}},
                    {"When it asks", {"samples"}},
                    {"For experiments", {"skew", "work"}},
                    ReadyGroup(),
                    AccessGroup()};
  program.examples = {"terminal 1:  clock_sync --listen=127.0.0.1:7201 --skew=990ms",
                      "terminal 2:  clock_sync --server=127.0.0.1:7201",
                      "other host:  clock_sync --server=10.0.0.1:7201 --samples=100 --insecure"};
  return program;
}

struct Setting {
  ConnectionOptions connection;
  int samples = 0;
  kj::Duration skew = 0 * kj::SECONDS;
  kj::Duration work = 0 * kj::SECONDS;
};

absl::StatusOr<kj::Duration> ReadSkew() {
  absl::Duration skew;
  if (!absl::ParseDuration(FLAGS_skew, &skew) || absl::AbsDuration(skew) > kMaxSkew) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--skew=", FLAGS_skew, ": needs a duration such as 250ms, 5s or -1h, at most a year"));
  }
  return absl::ToInt64Nanoseconds(skew) * kj::NANOSECONDS;
}

absl::StatusOr<Setting> ReadSetting() {
  Setting setting;
  if (FLAGS_listen.empty() == FLAGS_server.empty()) {
    return absl::InvalidArgumentError(
        FLAGS_listen.empty() ? "--server is missing: give --server=HOST:PORT to ask for the time, "
                               "or --listen=HOST:PORT to tell it"
                             : "--listen and --server exclude each other: one process tells the "
                               "time, another one asks");
  }
  if (FLAGS_server.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(setting.connection, ReadServiceOptions("listen", FLAGS_listen));
  } else {
    MILLRACE_ASSIGN_OR_RETURN(setting.connection,
                              ReadServiceOptions("server", FLAGS_server, PortZero::kRefused));
  }
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t samples,
                            ReadCount("samples", FLAGS_samples, 1, kMaxSamples));
  setting.samples = static_cast<int>(samples);
  MILLRACE_ASSIGN_OR_RETURN(setting.skew, ReadSkew());
  if (!FLAGS_work.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(const uint64_t work_ms, ReadMilliseconds("work", FLAGS_work));
    setting.work = work_ms * kj::MILLISECONDS;
  }
  return setting;
}

int Serve(ServiceProcess& process, const kj::Clock& clock, const Setting& setting) {
  ClockService service(process.timer(), clock, setting.work);
  const absl::StatusOr<std::string> address = process.Serve(
      FLAGS_listen, [&service](const PeerInfo&) { return service.NewServer(); }, ReadyFilePath());
  if (!address.ok()) return process.Complain(kExitUsage, address.status());
  std::fprintf(stderr, "clock_sync: listens on %s\n", address->c_str());
  return process.RunUntilStopped();
}

int Report(const ServiceProcess& process, const Sampler& sampler) {
  const BestSample& best = sampler.best();
  const absl::StatusOr<Estimate> estimate = best.Get();
  if (!estimate.ok()) {
    return process.Complain(
        kExitFailed, absl::UnavailableError(
                         absl::StrCat("asking ", FLAGS_server, ": ", estimate.status().message())));
  }
  if (best.outdated() > 0) {
    std::fprintf(stderr, "clock_sync: a clock was set meanwhile; %d samples before do not count\n",
                 best.outdated());
  }
  std::printf("%ssamples %d good, %d rejected, %d unanswered\n", ReportOf(*estimate).c_str(),
              best.good(), best.rejected(), sampler.unanswered());
  if (std::fflush(stdout) == 0) return kExitSuccess;
  return process.Complain(kExitFailed, absl::UnknownError("cannot write to standard output"));
}

int Ask(ServiceProcess& process, const kj::Clock& clock, const Setting& setting) {
  kj::Own<Connection> connection;
  kj::Own<Sampler> sampler;
  auto work = process.Dial(FLAGS_server).then([&](kj::Own<Connection> dialled) {
    connection = kj::mv(dialled);
    Sampler::Options options;
    options.name = FLAGS_server;
    options.samples = setting.samples;
    sampler = kj::heap<Sampler>(process.timer(), clock, connection->Peer(), options);
    return sampler->Run();
  });
  bool asked = false;
  const int exit_code = process.Run(work.then([&]() { asked = true; }));
  if (asked) return Report(process, *sampler);
  return exit_code == kExitSuccess ? kExitCancelled : exit_code;  // by a signal
}

int Main(int argc, char** argv) {
  StartLogging(argv[0], LogLevel::kErrors);
  const Program program = ClockSyncProgram();
  CommandLine line;
  if (const std::optional<int> exit_code = ParseFlags(argc, argv, program, &line)) {
    return *exit_code;
  }
  const absl::StatusOr<Setting> setting = ReadSetting();
  if (!setting.ok()) return UsageError(program, setting.status());
  ServiceProcess process(program.name, setting->connection);
  const SkewedClock clock(kj::systemPreciseCalendarClock(), setting->skew);
  return FLAGS_server.empty() ? Serve(process, clock, *setting) : Ask(process, clock, *setting);
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) { return millrace::Main(argc, argv); }
