// A server that counts words, and a client that asks one or several of them.
#include <gflags/gflags.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "apps/wordcount_rpc/ask_all.h"
#include "apps/wordcount_rpc/word_count_service.h"
#include "apps/wordcount_rpc/word_counts.h"
#include "client/command_line.h"
#include "client/flag_parser.h"
#include "client/service_flags.h"
#include "mapreduce/status_macros.h"
#include "rpc/exit_codes.h"
#include "rpc/service_process.h"
#include "rpc/status_exception.h"
#include "rpc/stop_signals.h"

DEFINE_string(listen, "", "HOST:PORT to serve at; port 0 takes any free one.");
DEFINE_string(slow_ms, "0", "How long each count takes, in milliseconds, to have time to watch.");
DEFINE_string(server, "",
              "HOST:PORT of the server to ask, or several, separated by commas: each is asked, and "
              "prints a line, in this order.");
DEFINE_string(way, "sync",
              "How the servers are called. sync: one after another; callback, future, call_object: "
              "all at the same time.");
DEFINE_string(timeout, "30s", "How long to wait for an answer.");

namespace millrace {
namespace {

const std::vector<std::string> kWays = {"sync", "callback", "future", "call_object"};

Program TheProgram() {
  Program program;
  program.name = "wordcount_rpc";
  program.summary = "Counts words: one process serves, others ask it for the words of a text.";
  program.synopsis = "--listen=HOST:PORT | --server=HOST:PORT[,HOST:PORT...] TEXT";
  program.groups = {{"Serving", {"listen", "slow_ms"}},
                    ReadyGroup(),
                    {"Asking", {"server", "way", "timeout"}},
                    AccessGroup()};
  program.examples = {
      "wordcount_rpc --listen=127.0.0.1:7501                          # in one terminal",
      "wordcount_rpc --server=127.0.0.1:7501 'to be or not to be'     # in another",
      "wordcount_rpc --server=127.0.0.1:7501,127.0.0.1:7501 --way=callback 'a b a'     # two "
      "calls"};
  program.positional_allowed = true;
  return program;
}

// What the command line asks for, checked.
struct Request {
  ConnectionOptions connection;
  kj::Duration slow = 0 * kj::SECONDS;
  std::vector<std::string> servers;  // none: serve
  Way way = Way::kSync;
  kj::Duration timeout = 0 * kj::SECONDS;
  std::string text;
};

absl::StatusOr<Request> ReadServing(const CommandLine& line) {
  Request request;
  if (!line.positional.empty()) {
    return absl::InvalidArgumentError("a server takes no text: ask it with --server=HOST:PORT");
  }
  MILLRACE_ASSIGN_OR_RETURN(request.connection, ReadServiceOptions("listen", FLAGS_listen));
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t slow, ReadCount("slow_ms", FLAGS_slow_ms, 0, 3'600'000));
  request.slow = static_cast<int64_t>(slow) * kj::MILLISECONDS;
  return request;
}

absl::StatusOr<Request> ReadAsking(const CommandLine& line) {
  Request request;
  request.servers = absl::StrSplit(FLAGS_server, ',');
  for (const std::string& server : request.servers) {
    MILLRACE_ASSIGN_OR_RETURN(request.connection,
                              ReadServiceOptions("server", server, PortZero::kRefused));
  }
  MILLRACE_ASSIGN_OR_RETURN(const size_t way, ReadChoice("way", FLAGS_way, kWays));
  request.way = static_cast<Way>(way);
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t timeout, ReadMilliseconds("timeout", FLAGS_timeout));
  request.timeout = static_cast<int64_t>(timeout) * kj::MILLISECONDS;
  if (line.positional.empty()) {
    return absl::InvalidArgumentError("no text to count: give it after the flags, in quotes");
  }
  request.text = absl::StrJoin(line.positional, " ");
  if (request.text.size() > kMaxTextBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the text has ", request.text.size(), " bytes, at most ", kMaxTextBytes, " are counted"));
  }
  return request;
}

absl::StatusOr<Request> ReadRequest(const CommandLine& line) {
  if (FLAGS_listen.empty() == FLAGS_server.empty()) {
    return absl::InvalidArgumentError(
        FLAGS_listen.empty()
            ? "--listen or --server is missing: --listen=HOST:PORT serves, --server=HOST:PORT asks"
            : "--listen and --server exclude each other: a process serves, or it asks");
  }
  return FLAGS_server.empty() ? ReadServing(line) : ReadAsking(line);
}

int Serve(const std::string& name, const Request& request) {
  ServiceProcess process(name, request.connection);
  const int64_t slow_ms = request.slow / kj::MILLISECONDS;
  WordCountService service(process.timer(), request.slow, [&name, slow_ms]() {
    if (slow_ms == 0) return;
    std::fprintf(stderr, "%s: asked, answers in %lld ms\n", name.c_str(),
                 static_cast<long long>(slow_ms));
  });
  const absl::StatusOr<std::string> address = process.Serve(
      FLAGS_listen, [&](const PeerInfo&) { return service.Welcome(); }, ReadyFilePath());
  if (!address.ok()) return process.Complain(kExitUsage, address.status());
  std::fprintf(stderr, "%s listens on %s\nask it with: %s --server=%s 'to be or not to be'\n",
               name.c_str(), address->c_str(), name.c_str(), address->c_str());
  return process.RunUntilStopped();
}

// Something to do while the servers count: looks for primes, a thousand numbers at a time.
class PrimeSearch {
 public:
  void Advance() {
    for (const uint64_t end = next_ + 1000; next_ < end; ++next_) found_ += IsPrime(next_);
  }
  uint64_t found() const { return found_; }

 private:
  static bool IsPrime(uint64_t n) {
    for (uint64_t d = 2; d * d <= n; ++d) {
      if (n % d == 0) return false;
    }
    return true;
  }

  uint64_t next_ = 2;
  uint64_t found_ = 0;
};

class Client {
 public:
  Client(const std::string& name, const Request& request)
      : request_(request), process_(name, request.connection) {}

  int Run() {
    for (const std::string& server : request_.servers) {
      if (const int exit_code = Connect(server); exit_code != kExitSuccess) return exit_code;
    }
    const std::vector<Answer> answers = Ask();
    int exit_code = kExitSuccess;
    for (const Answer& answer : answers) {
      if (answer.ok()) {
        std::printf("%s\n", FormatCounts(*answer).c_str());
      } else if (!stopped_) {
        exit_code = process_.Complain(CodeOf(answer.status()), WithAdvice(answer.status()));
      }
    }
    if (std::fflush(stdout) != 0) {
      return process_.Complain(kExitFailed, absl::UnknownError("cannot write to standard output"));
    }
    return stopped_ ? kExitCancelled : exit_code;
  }

 private:
  // Whoever answers, a server of words is not there.
  static int CodeOf(const absl::Status& status) {
    return absl::IsUnimplemented(status) ? kExitUnreachable : ExitCodeOf(status);
  }

  static absl::Status WithAdvice(const absl::Status& status) {
    const char* const advice = absl::IsUnavailable(status) ? "is it still running there?"
                               : absl::IsResourceExhausted(status)
                                   ? "a longer --timeout waits for a server that is only busy"
                                   : nullptr;
    if (advice == nullptr) return status;
    return absl::Status(status.code(), absl::StrCat(status.message(), "; ", advice));
  }

  int Connect(const std::string& server) {
    const size_t before = servers_.size();
    const int exit_code = process_.Run(process_.Dial(server).then(
        [this](kj::Own<Connection> connection) { servers_.push_back(kj::mv(connection)); }));
    const bool stopped = exit_code == kExitSuccess && servers_.size() == before;
    return stopped ? kExitCancelled : exit_code;
  }

  std::vector<Answer> Ask() {
    StopSignals signals(process_.io().unixEventPort);
    auto stop = signals.Interrupted().exclusiveJoin(signals.Terminated());
    kj::ForkedPromise<void> stopped = stop.then([this]() { stopped_ = true; }).fork();
    std::vector<Question> questions;
    for (kj::Own<Connection>& server : servers_) {
      questions.push_back([this, &stopped, &server = *server]() {
        auto counts = CountWordsAt(server, request_.text, process_.timer(), request_.timeout);
        return counts.exclusiveJoin(stopped.addBranch().then([]() -> kj::Promise<WordCounts> {
          return ToException(absl::CancelledError("stopped"));
        }));
      });
    }
    PrimeSearch primes;
    const auto other_work = [&primes]() { primes.Advance(); };
    std::vector<Answer> answers =
        AskAll(request_.way, process_.io().waitScope, questions, other_work);
    if (request_.way == Way::kFuture) {
      std::fprintf(stderr, "found %llu primes meanwhile\n",
                   static_cast<unsigned long long>(primes.found()));
    }
    return answers;
  }

  const Request& request_;
  ServiceProcess process_;
  std::vector<kj::Own<Connection>> servers_;
  bool stopped_ = false;  // by a signal
};

int Main(int argc, char** argv) {
  StartLogging(argv[0], LogLevel::kErrors);
  const Program program = TheProgram();
  CommandLine line;
  if (const std::optional<int> exit_code = ParseFlags(argc, argv, program, &line)) {
    return *exit_code;
  }
  const absl::StatusOr<Request> request = ReadRequest(line);
  if (!request.ok()) return UsageError(program, request.status());
  if (request->servers.empty()) return Serve(program.name, *request);
  return Client(program.name, *request).Run();
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) { return millrace::Main(argc, argv); }
