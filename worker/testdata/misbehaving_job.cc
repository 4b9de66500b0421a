// A job whose input says what goes wrong: each line is an order to its mapper.
//
//   count WORD      emits WORD (the only order that does no harm)
//   crash, exit N, throw WHAT, abort, kill      end the process, or fail the attempt
//   print TEXT      to standard output; complain TEXT: to standard error
//   tell PATH       writes a byte to the FIFO at PATH
//   leave PATH      leaves a child behind that writes a byte to the FIFO at PATH and keeps it open
//   close           closes the socket to the worker, and goes on for ever
//   environment X   emits X=VALUE
//   fail WHAT       fails the attempt in the polite way
//   wait            waits for ever
//
// With --at_start=exit it ends before it serves anything, with --at_start=hang it never does.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include "mapreduce/job.h"
#include "worker/executor_process.h"

namespace {

void Tell(const std::string& fifo) {
  const int fd = open(fifo.c_str(), O_WRONLY | O_CLOEXEC);
  if (write(fd, "x", 1) != 1) abort();
  close(fd);
}

void Crash() {
  signal(SIGSEGV, SIG_DFL);  // not even a sanitizer gets to see it
  raise(SIGSEGV);
}

[[noreturn]] void WaitForEver() {
  while (true) pause();
}

class ObedientMapper : public millrace::Mapper {
 public:
  void Map(const millrace::MapInput& input) override {
    input.ForEachLine([this](std::string_view line) { Obey(std::string(line)); });
  }

 private:
  void Obey(const std::string& line) {
    const size_t space = line.find(' ');
    const std::string order = line.substr(0, space);
    const std::string operand = space == std::string::npos ? "" : line.substr(space + 1);
    if (order == "count") Emit(operand, 1);
    if (order == "environment") Emit(operand + "=" + Variable(operand), 1);
    if (order == "crash") Crash();
    if (order == "kill") raise(SIGKILL);
    if (order == "abort") abort();
    if (order == "exit") exit(std::stoi(operand));
    if (order == "throw") throw std::runtime_error(operand);
    if (order == "fail") Fail(operand);
    if (order == "print") std::cout << operand << "\n";
    if (order == "complain") std::cerr << operand << "\n";
    if (order == "tell") Tell(operand);
    if (order == "wait") WaitForEver();
    if (order == "close") CloseEverything();
    if (order == "leave" && system(("(echo; sleep 1000) > " + operand + " &").c_str()) != 0) {
      abort();
    }
  }

  static std::string Variable(const std::string& name) {
    const char* const value = getenv(name.c_str());
    return value == nullptr ? "" : value;
  }

  static void CloseEverything() {
    for (int fd = 3; fd < 20; ++fd) close(fd);
    WaitForEver();
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "--at_start=exit") {
    std::fprintf(stderr, "no such option\n");
    return 7;
  }
  if (argc > 1 && std::string(argv[1]) == "--at_start=hang") WaitForEver();
  millrace::JobDescription job;
  job.name = "misbehaving";
  job.mapper = []() { return std::make_unique<ObedientMapper>(); };
  job.aggregate = millrace::Aggregate::kSum;
  job.allows_map_only = true;
  if (const std::optional<int> fd = millrace::TakeExecutorFd(); fd.has_value()) {
    millrace::RunExecutor(*fd, {job});
  }
  return 2;
}
