// What a call costs (rpc/caller.h), in ratios to bare sockets on the same machine in the same run.
//
// A server in a process of its own, on loopback, over one connection, and on a CPU of its own:
// where the scheduler puts two processes that take turns changes a figure more than all else, and
// from second to second. Each figure is the median of several short rounds, and the rounds of what
// is compared take turns: whatever else the machine does then strikes both.
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "glog/logging.h"
#include "rpc/call_server.h"
#include "rpc/caller.h"
#include "rpc/connection.h"
#include "rpc/duplicate_table.h"
#include "rpc/listen.h"
#include "rpc/service_host.h"

namespace millrace {
namespace {

constexpr char kHelp[] =
    "usage: rpc_bench\n"
    "Prints what calls cost over one connection on loopback, in ratios to bare TCP sockets, and\n"
    "the memory of an idle client. Targets are printed beside the figures; exit 1 if one is "
    "missed.\n";

constexpr auto kRound = std::chrono::milliseconds(200);
constexpr int kRounds = 9;
constexpr size_t kChunkBytes = 1 << 20;
constexpr int kMaxOutstanding = 64;
constexpr int kChunksOutstanding = 4;

// --- Places ---

enum class Place { kClient, kServer };

// Moves this process to one of the first two CPUs that the benchmark may use.
void MoveTo(Place place) {
  static const cpu_set_t usable = []() {
    cpu_set_t set;
    CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
    return set;
  }();
  int left = place == Place::kServer && CPU_COUNT(&usable) > 1 ? 1 : 0;
  int cpu = 0;
  while (!CPU_ISSET(cpu, &usable) || left-- > 0) ++cpu;
  cpu_set_t chosen;
  CPU_ZERO(&chosen);
  CPU_SET(cpu, &chosen);
  CHECK_EQ(sched_setaffinity(0, sizeof(chosen), &chosen), 0);
}

// --- Bare sockets ---

bool ReadAll(int fd, char* bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    const ssize_t got = read(fd, bytes + done, count - done);
    if (got <= 0) return false;
    done += static_cast<size_t>(got);
  }
  return true;
}

bool WriteAll(int fd, const char* bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    const ssize_t put = write(fd, bytes + done, count - done);
    if (put <= 0) return false;
    done += static_cast<size_t>(put);
  }
  return true;
}

void NoDelay(int fd) {
  const int on = 1;
  CHECK_EQ(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
}

// A listening socket on a free port of loopback.
int Listen(sockaddr_in* address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  *address = {};
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(*address);
  CHECK_EQ(bind(fd, reinterpret_cast<sockaddr*>(address), length), 0);
  CHECK_EQ(listen(fd, 4), 0);
  CHECK_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(address), &length), 0);
  return fd;
}

// Answers each request of so many bytes with one.
[[noreturn]] void AnswerBarely(int listener, size_t request_bytes) {
  std::string buffer(request_bytes, '\0');
  const int fd = accept(listener, nullptr, nullptr);
  NoDelay(fd);
  while (ReadAll(fd, buffer.data(), buffer.size()) && WriteAll(fd, buffer.data(), 1)) {
  }
  _exit(0);
}

// --- Bare sockets on an event loop: what a call would cost if Cap'n Proto cost nothing ---

void SayPort(int port_fd, uint32_t port) {
  CHECK_EQ(write(port_fd, &port, sizeof(port)), static_cast<ssize_t>(sizeof(port)));
}

kj::Promise<void> Echo(kj::AsyncIoStream& stream, char* byte) {
  return stream.read(byte, 1)
      .then([&stream, byte]() { return stream.write(byte, 1); })
      .then([&stream, byte]() { return Echo(stream, byte); });  // the tail call
}

[[noreturn]] void AnswerOnLoop(int port_fd) {
  kj::AsyncIoContext io = kj::setupAsyncIo();
  auto receiver = ListenOn(io, "127.0.0.1:0");
  CHECK(receiver.ok()) << receiver.status();
  SayPort(port_fd, (*receiver)->getPort());
  kj::Own<kj::AsyncIoStream> stream = (*receiver)->accept().wait(io.waitScope);
  TuneSocket(*stream);
  char byte;
  Echo(*stream, &byte).eagerlyEvaluate([](kj::Exception&&) { _exit(0); }).wait(io.waitScope);
  _exit(0);
}

// --- The server ---

[[noreturn]] void Serve(int port_fd) {
  kj::AsyncIoContext io = kj::setupAsyncIo();
  CallServer server(io.provider->getTimer(), {},
                    [](const CallInfo&, std::string) { return CallReply::Done("1"); });
  auto receiver = ListenOn(io, "127.0.0.1:0");
  CHECK(receiver.ok()) << receiver.status();
  ServiceHost host(io.provider->getTimer(), *kj::mv(receiver), {},
                   [&](const PeerInfo& peer) { return server.Welcome(peer.address); });
  SayPort(port_fd, host.port());
  host.Run().wait(io.waitScope);
  _exit(0);
}

// A child that ends with its parent, and has no event loop yet.
template <typename Main>
void InChild(Main main) {
  const pid_t parent = getpid();
  if (fork() != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  MoveTo(Place::kServer);
  main();
}

// --- Measuring ---

double Seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

// How often a second `step`, which does `count` things, could do them.
double RateOf(const std::function<int()>& step) {
  const auto start = std::chrono::steady_clock::now();
  int64_t done = 0;
  auto now = start;
  for (; now - start < kRound; now = std::chrono::steady_clock::now()) done += step();
  return static_cast<double>(done) / Seconds(now - start);
}

// The median rate of each, in rounds that take turns.
std::vector<double> MedianRates(const std::vector<std::function<int()>>& steps) {
  std::vector<std::vector<double>> rates(steps.size());
  for (int round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < steps.size(); ++i) rates[i].push_back(RateOf(steps[i]));
  }
  std::vector<double> medians;
  for (std::vector<double>& of_one : rates) {
    const auto middle = of_one.begin() + kRounds / 2;
    std::nth_element(of_one.begin(), middle, of_one.end());
    medians.push_back(*middle);
  }
  return medians;
}

class Bench {
 public:
  // The children must be there before any event loop is.
  Bench() {
    int pipe_ends[2];
    CHECK_EQ(pipe(pipe_ends), 0);
    const int listener = Listen(&small_);
    const int chunk_listener = Listen(&large_);
    InChild([&]() { AnswerBarely(listener, 1); });
    InChild([&]() { AnswerBarely(chunk_listener, kChunkBytes); });
    InChild([&]() { Serve(pipe_ends[1]); });
    CHECK_EQ(read(pipe_ends[0], &port_, sizeof(port_)), static_cast<ssize_t>(sizeof(port_)));
    InChild([&]() { AnswerOnLoop(pipe_ends[1]); });
    CHECK_EQ(read(pipe_ends[0], &loop_port_, sizeof(loop_port_)),
             static_cast<ssize_t>(sizeof(loop_port_)));
    MoveTo(Place::kClient);
  }

  // Returns false if a target was missed.
  bool Run();

 private:
  void Connect();
  std::function<int()> Barely(const sockaddr_in& address, size_t bytes);
  std::function<int()> OnLoop();
  std::function<int()> Calls(CallMode mode, int outstanding, size_t bytes);
  void Compare(const char* what, double figure, double target, bool at_most = false);
  void CompareCalls();
  void CompareOnOneCpu();
  void CompareChunks();
  void MeasureIdleClients();

  sockaddr_in small_;
  sockaddr_in large_;
  uint32_t port_ = 0;
  uint32_t loop_port_ = 0;
  bool missed_ = false;
  std::unique_ptr<kj::AsyncIoContext> io_;
  std::function<int()> bare_;
  kj::Own<kj::AsyncIoStream> stream_;
  std::unique_ptr<Caller> caller_;
};

bool Bench::Run() {
  MeasureIdleClients();
  io_ = std::make_unique<kj::AsyncIoContext>(kj::setupAsyncIo());
  caller_ = std::make_unique<Caller>(io_->provider->getTimer(), "the server", [this]() {
    return Dial(io_->provider->getNetwork(), io_->provider->getTimer(),
                "127.0.0.1:" + std::to_string(port_), Role::kClient, {});
  });
  bare_ = Barely(small_, 1);
  CompareCalls();
  CompareOnOneCpu();
  CompareChunks();
  caller_ = nullptr;
  stream_ = nullptr;
  return !missed_;
}

// One request and its answer.
std::function<int()> Bench::Barely(const sockaddr_in& address, size_t bytes) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  NoDelay(fd);
  return [fd, request = std::string(bytes, 'x')]() {
    char answer;
    CHECK(WriteAll(fd, request.data(), request.size()) && ReadAll(fd, &answer, 1));
    return 1;
  };
}

std::function<int()> Bench::OnLoop() {
  const std::string address = "127.0.0.1:" + std::to_string(loop_port_);
  stream_ = io_->provider->getNetwork()
                .parseAddress(address.c_str())
                .then([](kj::Own<kj::NetworkAddress> a) { return a->connect().attach(kj::mv(a)); })
                .wait(io_->waitScope);
  TuneSocket(*stream_);
  return [this]() {
    char byte = 'x';
    stream_->write(&byte, 1).wait(io_->waitScope);
    stream_->read(&byte, 1).wait(io_->waitScope);
    return 1;
  };
}

// As many calls as may be under way, and all their replies.
std::function<int()> Bench::Calls(CallMode mode, int outstanding, size_t bytes) {
  return [this, mode, outstanding, request = std::string(bytes, 'x')]() {
    std::vector<kj::Promise<CallResult>> calls;
    calls.reserve(outstanding);
    for (int i = 0; i < outstanding; ++i) calls.push_back(caller_->Call(mode, request));
    for (auto& call : calls) CHECK(call.wait(io_->waitScope).end == CallEnd::kDone);
    return outstanding;
  };
}

void Bench::Compare(const char* what, double figure, double target, bool at_most) {
  const bool met = at_most ? figure <= target : figure >= target;
  std::printf("  %-58s %8.2f (target: at %s %.2f)%s\n", what, figure, at_most ? "most" : "least",
              target, met ? "" : "  MISSED");
  missed_ = missed_ || !met;
}

void Bench::CompareCalls() {
  const std::vector<double> rates =
      MedianRates({bare_, Calls(CallMode::kPlain, 1, 1),
                   Calls(CallMode::kPlain, kMaxOutstanding, 1), Calls(CallMode::kAtMostOnce, 1, 1),
                   Calls(CallMode::kAtMostOnce, kMaxOutstanding, 1), OnLoop()});
  std::printf("bare sockets             %9.0f /s one at a time, %9.0f /s on an event loop\n",
              rates[0], rates[5]);
  std::printf("plain calls              %9.0f /s one at a time, %9.0f /s with %d outstanding\n",
              rates[1], rates[2], kMaxOutstanding);
  std::printf("at-most-once calls       %9.0f /s one at a time, %9.0f /s with %d outstanding\n",
              rates[3], rates[4], kMaxOutstanding);
  Compare("a plain call, to a bare request and response", rates[1] / rates[0], 0.5);
  std::printf("  %-58s %8.2f\n", "the same on an event loop", rates[1] / rates[5]);
  Compare("64 outstanding, to one at a time", rates[2] / rates[1], 3);
  Compare("time of an at-most-once call, to a plain one", rates[1] / rates[3], 1.15,
          /*at_most=*/true);
  Compare("the same with 64 outstanding", rates[2] / rates[4], 1.15, /*at_most=*/true);
}

// Then a figure is the time that both ends compute, and none that either waits.
void Bench::CompareOnOneCpu() {
  MoveTo(Place::kServer);
  const std::vector<double> rates = MedianRates({bare_, Calls(CallMode::kPlain, 1, 1)});
  MoveTo(Place::kClient);
  std::printf("both ends on one CPU     %9.0f /s bare, %.0f /s plain calls\n", rates[0], rates[1]);
  std::printf("  %-58s %8.2f\n", "a plain call, to a bare request and response",
              rates[1] / rates[0]);
}

void Bench::CompareChunks() {
  const std::vector<double> rates = MedianRates(
      {Barely(large_, kChunkBytes), Calls(CallMode::kPlain, kChunksOutstanding, kChunkBytes)});
  std::printf("chunks of 1 MiB          %9.0f MiB/s bare, %.0f MiB/s as calls\n", rates[0],
              rates[1]);
  Compare("throughput of calls, to bare writes and reads", rates[1] / rates[0], 0.6);
}

uint64_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Each has made one call and has not said that it has seen the reply, as a client does that makes
// one call at a time.
void Bench::MeasureIdleClients() {
  constexpr uint64_t kClients = 100'000;
  const uint64_t before = HeapBytes();
  DuplicateTable table({});
  for (uint64_t i = 0; i < kClients; ++i) {
    const ClientId client = {i, ~i};
    const CallHeader header = {client, table.Open(client, 0), 1, 0};
    CHECK(table.Admit(header, 0).verdict == DuplicateTable::Verdict::kExecute);
    table.Finish(header, CallReply::Done("fifteen bytes.."), 0);
  }
  const double bytes = static_cast<double>(HeapBytes() - before) / kClients;
  std::printf("%llu idle clients\n", static_cast<unsigned long long>(kClients));
  Compare("bytes of an idle client with its last reply", bytes, 200, /*at_most=*/true);
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  // As processes do that move much (rpc/service_process.cc).
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  if (argc > 1) {
    std::fputs(millrace::kHelp, stdout);
    return std::string(argv[1]) == "--help" ? 0 : 2;
  }
  return millrace::Bench().Run() ? 0 : 1;
}
