// For tests of calls: a server on pipes in memory, whose service does what its requests say.
//
//   say X       replies X
//   refuse X    refuses with X
//   throw X     throws an exception that says X
//   hold X      replies X when it is told to: Release("X")
//
// Time passes only when it is told to.
#ifndef MILLRACE_RPC_CALL_FIXTURE_H_
#define MILLRACE_RPC_CALL_FIXTURE_H_

#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/debug.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "rpc/call_server.h"
#include "rpc/call_types.h"
#include "rpc/connection.h"
#include "rpc/status_exception.h"

namespace millrace {

class CallFixture : public testing::Test {
 protected:
  CallFixture() { StartServer(); }
  ~CallFixture() noexcept override {}

  void StartServer() {
    server_ = std::make_unique<CallServer>(
        timer_, server_options_,
        [this](const CallInfo& info, std::string request) { return Serve(info, request); });
  }

  // As when the process is killed: everything goes, and the peers see their connections break.
  void KillServer() {
    BreakConnections();
    server_ = nullptr;
    held_.clear();
  }

  void BreakConnections() { server_ends_.clear(); }

  // Fails for as long as there is no server.
  kj::Promise<kj::Own<Connection>> Dial() {
    ++dials_;
    if (server_ == nullptr) return KJ_EXCEPTION(DISCONNECTED, "nobody is there");
    kj::TwoWayPipe pipe = kj::newTwoWayPipe();
    server_ends_.push_back(kj::heap<Connection>(kj::mv(pipe.ends[0]),
                                                capnp::rpc::twoparty::Side::SERVER,
                                                server_->Welcome("a client"), "a client"));
    return kj::heap<Connection>(kj::mv(pipe.ends[1]), capnp::rpc::twoparty::Side::CLIENT, nullptr,
                                "the server");
  }

  void Release(const std::string& what) {
    ASSERT_EQ(held_.count(what), 1u) << what << " is not held";
    for (auto& held : held_[what]) held->fulfill();
    held_.erase(what);
    scope_.poll();
  }

  void Pass(kj::Duration time) {
    const kj::TimePoint end = timer_.now() + time;
    scope_.poll();
    while (timer_.now() < end) {
      timer_.advanceTo(timer_.now() + 10 * kj::MILLISECONDS);
      scope_.poll();
    }
  }

  // The same bytes each time, but others with each draw.
  Entropy CountingEntropy() {
    return [this](uint8_t* bytes, size_t count) {
      std::memset(bytes, 0, count);
      bytes[0] = ++drawn_;
    };
  }

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>() + 1 * kj::HOURS};
  CallServerOptions server_options_;
  std::unique_ptr<CallServer> server_;  // null: it is not running
  std::vector<kj::Own<Connection>> server_ends_;
  int dials_ = 0;
  std::vector<std::string> executed_;  // what the service was asked to do, in that order
  std::vector<CallHeader> headers_;    // theirs
  int cancelled_ = 0;                  // what it held, and nobody wanted any more
  std::map<std::string, std::vector<kj::Own<kj::PromiseFulfiller<void>>>> held_;

 private:
  kj::Promise<CallReply> Serve(const CallInfo& info, const std::string& request) {
    executed_.push_back(request);
    headers_.push_back(info.header);
    const size_t space = request.find(' ');
    const std::string verb = request.substr(0, space);
    const std::string what = request.substr(space + 1);
    if (verb == "refuse") return CallReply::Refused(what);
    if (verb == "throw") return ToException(absl::InternalError(what));
    if (verb != "hold") return CallReply::Done(what);
    auto pair = kj::newPromiseAndFulfiller<void>();
    held_[what].push_back(kj::mv(pair.fulfiller));
    auto ended = std::make_shared<bool>(false);
    return pair.promise
        .then([what, ended]() {
          *ended = true;
          return CallReply::Done(what);
        })
        .attach(kj::defer([this, ended]() { cancelled_ += *ended ? 0 : 1; }));
  }

  uint8_t drawn_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_CALL_FIXTURE_H_
