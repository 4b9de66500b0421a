// Word count whose mapper obeys commands in its input, so that a test can make user code misbehave
// at a place and a moment of its choosing. Words that begin with '!' are commands:
//
//   !segv  !abort  !throw  !exit:N  !leak  !fork   what they say
//   !print:TEXT                                    writes TEXT and a newline to standard error
//   !nap:N                                         N naps of a millisecond each: it takes longer by
//                                                  the time for which the process is stopped
//   !gate:FIFO                                     waits until somebody has opened FIFO for writing
//                                                  and closed it again
//   !once:FILE:COMMAND                             COMMAND, if FILE existed; removes FILE first
//   !env:NAME                                      counts the word NAME=value
#include <fcntl.h>
#include <gflags/gflags.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "client/launcher.h"
#include "mapreduce/job.h"

DEFINE_string(map_version, "", "What the job declares as the version of its mapper.");
DEFINE_bool(deterministic, true, "What the job declares of its mapper.");

namespace {

// Takes memory until somebody stops it, or until 4 GiB are in use.
void Leak() {
  static std::vector<std::unique_ptr<std::string>> held;
  constexpr int kMebibytes = 4096;
  held.reserve(kMebibytes);
  for (int i = 0; i < kMebibytes; ++i) held.push_back(std::make_unique<std::string>(1 << 20, 'x'));
}

class UnrulyMapper : public millrace::Mapper {
 public:
  void Map(const millrace::MapInput& input) override {
    input.ForEachLine([this, &input](std::string_view line) {
      input.Mark(line.data());
      size_t at = 0;
      while (at < line.size()) {
        const size_t end = std::min(line.find(' ', at), line.size());
        if (end > at) Obey(std::string(line.substr(at, end - at)));
        at = end + 1;
      }
    });
  }

 private:
  void Obey(const std::string& word) {
    if (word[0] != '!') return Emit(word, 1);
    const size_t colon = word.find(':');
    const std::string command = word.substr(1, colon - 1);
    const std::string argument = colon == std::string::npos ? "" : word.substr(colon + 1);
    if (command == "segv") raise(SIGSEGV);
    if (command == "abort") abort();
    if (command == "throw") throw std::runtime_error("the mapper threw this");
    if (command == "exit") _exit(std::stoi(argument));
    if (command == "leak") Leak();
    if (command == "fork") Fork();
    if (command == "print") fprintf(stderr, "%s\n", argument.c_str());
    if (command == "nap") Nap(std::stoi(argument));
    if (command == "gate") WaitAt(argument);
    if (command == "once") Once(argument);
    if (command == "env") Emit(argument + "=" + Environment(argument), 1);
  }

  // One long nap would go on while the process is stopped.
  static void Nap(int milliseconds) {
    for (int i = 0; i < milliseconds; ++i) usleep(1000);
  }

  static void WaitAt(const std::string& fifo) {
    const int fd = open(fifo.c_str(), O_RDONLY);  // waits for a writer; fails when the gate is gone
    char byte;
    while (fd >= 0 && read(fd, &byte, 1) > 0) {
    }
    close(fd);
  }

  // A child that outlives its parent unless the whole group is killed.
  static void Fork() {
    if (fork() == 0) {
      pause();
      _exit(0);
    }
  }

  void Once(const std::string& argument) {
    const size_t colon = argument.find(':');
    if (unlink(argument.substr(0, colon).c_str()) == 0) Obey(argument.substr(colon + 1));
  }

  static std::string Environment(const std::string& name) {
    const char* value = getenv(name.c_str());
    return value == nullptr ? "" : value;
  }
};

absl::StatusOr<millrace::JobDescription> Describe() {
  millrace::JobDescription job;
  job.name = "unruly";
  job.mapper = [] { return std::make_unique<UnrulyMapper>(); };
  job.aggregate = millrace::Aggregate::kSum;
  job.allows_map_only = true;
  job.map_version = FLAGS_map_version;
  job.map_parameters = std::vector<std::string>();
  job.deterministic = FLAGS_deterministic;
  return job;
}

}  // namespace

int main(int argc, char** argv) {
  millrace::Usage usage;
  usage.summary = "Counts words and obeys commands among them; for tests.";
  usage.flags = {"map_version", "deterministic"};
  return millrace::Main(argc, argv, usage, Describe);
}
