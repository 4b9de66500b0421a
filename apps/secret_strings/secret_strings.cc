// A server that reverses strings, and a client that balances words over several of them.
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
#include "apps/secret_strings/premium_tokens.h"
#include "apps/secret_strings/secret_strings_service.h"
#include "apps/secret_strings/word_list_run.h"
#include "client/command_line.h"
#include "client/flag_parser.h"
#include "client/service_flags.h"
#include "mapreduce/count_text.h"
#include "mapreduce/status_macros.h"
#include "rpc/exit_codes.h"
#include "rpc/service_process.h"
#include "storage/file_system.h"
#include "storage/paths.h"
#include "storage/posix_file_system.h"

DEFINE_string(listen, "", "HOST:PORT to serve at; port 0 takes any free one.");
DEFINE_string(premium_tokens, "",
              "File with the tokens of premium users, one a line; empty: nobody is one.");
DEFINE_string(slow_ms, "100",
              "How long a reversal takes, in milliseconds, for those who are no premium users.");
DEFINE_string(servers, "",
              "HOST:PORT[,HOST:PORT...] of the servers among which the words are balanced.");
DEFINE_bool(fast, false, "Ask for reversal at once, which is for premium users.");
DEFINE_string(token, "",
              "The token of a premium user, for --fast. Others on this machine can read command "
              "lines.");
DEFINE_string(wordlist, "",
              "File with a word a line; the reversed words are printed in the same order.");
DEFINE_bool(stats, false, "Say at the end how many words each server has reversed.");

namespace millrace {
namespace {

constexpr uint64_t kMaxTokenFileBytes = 16 << 20;
constexpr uint64_t kMaxWordListBytes = 64 << 20;
// So many fast words are on their way to a server at a time that their journey costs little.
constexpr size_t kFastOutstandingMax = 32;

Program TheProgram() {
  Program program;
  program.name = "secret_strings";
  program.summary =
      "Reverses strings: slowly, one at a time, or for premium users at once. Several servers "
      "share "
      "the words of a list.";
  program.synopsis =
      "--listen=HOST:PORT | --servers=HOST:PORT[,HOST:PORT...] (TEXT | --wordlist=FILE)";
  program.groups = {{"Serving", {"listen", "premium_tokens", "slow_ms"}},
                    ReadyGroup(),
                    {"Asking", {"servers", "wordlist", "fast", "token", "stats"}},
                    AccessGroup()};
  program.examples = {
      "echo gold >tokens; secret_strings --listen=127.0.0.1:7601 --premium_tokens=tokens"
      "     # in one terminal",
      "secret_strings --servers=127.0.0.1:7601 'héllo'     # in another",
      "secret_strings --servers=127.0.0.1:7601 --fast --token=gold 'héllo'"};
  program.positional_allowed = true;
  return program;
}

absl::StatusOr<std::string> ReadFlagFile(const std::string& flag, const std::string& path,
                                         uint64_t max_bytes) {
  PosixFileSystem fs;
  absl::StatusOr<std::string> text = ReadFile(fs, AbsolutePath(WorkingFolder(), path), max_bytes);
  if (text.ok()) return text;
  return absl::InvalidArgumentError(absl::StrCat("--", flag, ": ", text.status().message()));
}

// --- Serving ---

struct ServerRequest {
  ConnectionOptions connection;
  SecretStringsOptions service;
};

absl::StatusOr<ServerRequest> ReadServing(const CommandLine& line) {
  ServerRequest request;
  if (!line.positional.empty() || !FLAGS_wordlist.empty()) {
    return absl::InvalidArgumentError("a server takes no text: ask it with --servers=HOST:PORT");
  }
  MILLRACE_ASSIGN_OR_RETURN(request.connection, ReadServiceOptions("listen", FLAGS_listen));
  MILLRACE_ASSIGN_OR_RETURN(const uint64_t slow, ReadCount("slow_ms", FLAGS_slow_ms, 0, 3'600'000));
  request.service.slow = static_cast<int64_t>(slow) * kj::MILLISECONDS;
  if (FLAGS_premium_tokens.empty()) return request;
  MILLRACE_ASSIGN_OR_RETURN(
      const std::string text,
      ReadFlagFile("premium_tokens", FLAGS_premium_tokens, kMaxTokenFileBytes));
  absl::StatusOr<PremiumTokens> tokens = PremiumTokens::Parse(text);
  if (!tokens.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--premium_tokens: ", tokens.status().message()));
  }
  request.service.premium = *std::move(tokens);
  return request;
}

int Serve(const std::string& name, const ServerRequest& request) {
  ServiceProcess process(name, request.connection);
  SecretStringsService service(process.timer(), request.service);
  const absl::StatusOr<std::string> address = process.Serve(
      FLAGS_listen, [&](const PeerInfo&) { return service.Welcome(); }, ReadyFilePath());
  if (!address.ok()) return process.Complain(kExitUsage, address.status());
  std::fprintf(stderr, "%s listens on %s and knows %s\nask it with: %s --servers=%s 'hello'\n",
               name.c_str(), address->c_str(),
               CountText(request.service.premium.size(), "premium token").c_str(), name.c_str(),
               address->c_str());
  return process.RunUntilStopped();
}

// --- Asking ---

struct ClientRequest {
  ConnectionOptions connection;
  WordListOptions run;
  std::vector<std::string> words;
};

// Lines end with a line feed, except perhaps the last.
std::vector<std::string> SplitLines(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

absl::StatusOr<std::vector<std::string>> ReadWords(const CommandLine& line) {
  if (line.positional.empty() == FLAGS_wordlist.empty()) {
    return absl::InvalidArgumentError(
        line.positional.empty()
            ? "nothing to reverse: give a text after the flags, or --wordlist=FILE"
            : "give a text or --wordlist=FILE, not both");
  }
  if (FLAGS_wordlist.empty()) return std::vector<std::string>{absl::StrJoin(line.positional, " ")};
  MILLRACE_ASSIGN_OR_RETURN(const std::string text,
                            ReadFlagFile("wordlist", FLAGS_wordlist, kMaxWordListBytes));
  return SplitLines(text);
}

absl::Status CheckLengths(const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i].size() <= kMaxStringBytes) continue;
    return absl::InvalidArgumentError(absl::StrCat("line ", i + 1, " has ", words[i].size(),
                                                   " bytes, at most ", kMaxStringBytes,
                                                   " are reversed"));
  }
  return absl::OkStatus();
}

absl::StatusOr<ClientRequest> ReadAsking(const CommandLine& line) {
  ClientRequest request;
  request.run.servers = absl::StrSplit(FLAGS_servers, ',');
  for (const std::string& server : request.run.servers) {
    MILLRACE_ASSIGN_OR_RETURN(request.connection,
                              ReadServiceOptions("servers", server, PortZero::kRefused));
  }
  MILLRACE_ASSIGN_OR_RETURN(request.words, ReadWords(line));
  MILLRACE_RETURN_IF_ERROR(CheckLengths(request.words));
  request.run.tier = {FLAGS_fast, FLAGS_token};
  if (FLAGS_fast) request.run.outstanding_max = kFastOutstandingMax;
  return request;
}

class Client {
 public:
  Client(std::string name, const ClientRequest& request)
      : name_(std::move(name)), request_(request), process_(name_, request.connection) {}

  int Run() {
    WordListListener listener;
    listener.on_line = [this](const Reversal& line) { return Print(line); };
    listener.on_trouble = [this](const std::string& what) { Say(what); };
    std::optional<WordListResult> result;
    const int exit_code = process_.Run(
        ReverseWords(
            process_.timer(), [this](const std::string& server) { return process_.Dial(server); },
            request_.words, request_.run, listener)
            .then([&](WordListResult ended) { result = std::move(ended); }));
    if (exit_code != kExitSuccess) return exit_code;
    if (!result) return kExitCancelled;
    if (FLAGS_stats) SayWhoDidWhat(*result);
    if (std::ferror(stdout) != 0) {
      return process_.Complain(kExitFailed, absl::UnknownError("cannot write to standard output"));
    }
    if (result->status.ok()) return kExitSuccess;
    if (lines_ > 0) {
      Say(absl::StrCat(lines_, " of ", CountText(request_.words.size(), "line"), " are printed"));
    }
    return process_.Complain(ExitCodeOf(result->status), WithAdvice(result->status));
  }

 private:
  // False: the line cannot be written.
  bool Print(const Reversal& line) {
    ++lines_;
    std::fwrite(line.text.data(), 1, line.text.size(), stdout);
    std::putc('\n', stdout);
    std::fflush(stdout);
    if (!line.valid_utf8) {
      const std::string which = FLAGS_wordlist.empty() ? "the text" : absl::StrCat("line ", lines_);
      Say(which + " is no valid UTF-8: the bytes that are not are kept as they are");
    }
    return std::ferror(stdout) == 0;
  }

  void Say(const std::string& what) {
    std::fprintf(stderr, "%s: %s\n", name_.c_str(), what.c_str());
  }

  void SayWhoDidWhat(const WordListResult& result) {
    for (size_t i = 0; i < result.answered_by.size(); ++i) {
      Say(absl::StrCat(request_.run.servers[i], " has reversed ",
                       CountText(result.answered_by[i], "word")));
    }
  }

  static absl::Status WithAdvice(const absl::Status& status) {
    const char* const advice = absl::IsPermissionDenied(status)
                                   ? "give a premium user's token with --token, or leave out --fast"
                                   : nullptr;
    if (advice == nullptr) return status;
    return absl::Status(status.code(), absl::StrCat(status.message(), "; ", advice));
  }

  const std::string name_;
  const ClientRequest& request_;
  ServiceProcess process_;
  size_t lines_ = 0;  // printed
};

int Main(int argc, char** argv) {
  StartLogging(argv[0], LogLevel::kErrors);
  const Program program = TheProgram();
  CommandLine line;
  if (const std::optional<int> exit_code = ParseFlags(argc, argv, program, &line)) {
    return *exit_code;
  }
  if (FLAGS_listen.empty() == FLAGS_servers.empty()) {
    return UsageError(
        program, absl::InvalidArgumentError(
                     FLAGS_listen.empty() ? "--listen or --servers is missing: --listen=HOST:PORT "
                                            "serves, --servers=HOST:PORT asks"
                                          : "--listen and --servers exclude each other: a process "
                                            "serves, or it asks"));
  }
  if (!FLAGS_listen.empty()) {
    const absl::StatusOr<ServerRequest> request = ReadServing(line);
    if (!request.ok()) return UsageError(program, request.status());
    return Serve(program.name, *request);
  }
  const absl::StatusOr<ClientRequest> request = ReadAsking(line);
  if (!request.ok()) return UsageError(program, request.status());
  return Client(program.name, *request).Run();
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) { return millrace::Main(argc, argv); }
