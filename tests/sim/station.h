// A host with one process on it, for simulations of small services: its life, its clock, what it
// serves, and what it can reach.
//
//   Station server(world, network, "server");
//   Chat chat(server.timer());
//   server.Serve(7100, [&](const PeerInfo&) { return chat.Welcome(); });
//   Station client(world, network, "client");
//   client.Dial("server:7100").then(...)
//
// One object is one life: a process that starts again is a new Station on the same host.
#ifndef MILLRACE_TESTS_SIM_STATION_H_
#define MILLRACE_TESTS_SIM_STATION_H_

#include <kj/async.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/connection.h"
#include "rpc/service_host.h"
#include "tests/sim/network.h"
#include "tests/sim/world.h"

namespace millrace::sim {

class Station {
 public:
  Station(World& world, Network& network, const std::string& host)
      : world_(world),
        host_(host),
        life_(world, host, /*clock_rate=*/1.0),
        random_(world.random().Fork()),
        interface_(network, life_, host) {
    options_.entropy = [this](uint8_t* bytes, size_t count) {
      for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(random_.Next());
    };
  }
  ~Station() noexcept(false) { Kill(); }
  KJ_DISALLOW_COPY(Station);

  Life& life() { return life_; }
  kj::Timer& timer() { return life_.timer(); }
  const std::string& host() const { return host_; }
  // Its random numbers are this station's, and repeat themselves.
  ConnectionOptions& options() { return options_; }

  // Listens on HOST:`port` until the process is killed. Once.
  void Serve(uint port, ServiceHost::Welcome welcome) {
    const std::string address = absl::StrCat(host_, ":", port);
    auto parsed = interface_.parseAddress(address.c_str(), 0).wait(world_.scope());
    service_ = kj::heap<ServiceHost>(timer(), parsed->listen(), options_, kj::mv(welcome));
    serving_ = service_->Run().eagerlyEvaluate(nullptr);
  }

  kj::Promise<kj::Own<Connection>> Dial(const std::string& address) {
    return millrace::Dial(interface_, timer(), address, Role::kClient, options_);
  }

  // As `kill -9`: cut off first, then destroyed. Not from within what it serves.
  void Kill() {
    life_.Kill();
    serving_ = nullptr;
    service_ = nullptr;
  }

 private:
  World& world_;
  const std::string host_;
  Life life_;
  Random random_;
  Interface interface_;
  ConnectionOptions options_;
  kj::Own<ServiceHost> service_;
  kj::Promise<void> serving_ = nullptr;
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_STATION_H_
