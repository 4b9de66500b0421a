// The network of a simulation: hosts by name, connections between them, and everything that can go
// wrong on the way.
//
//   Network network(world);
//   Interface red(network, red_life, "red");       // a kj::Network for one process
//   network.Cut("red", "master");                  // what red sends does not arrive
//   network.Heal();
//
// Connections behave like TCP: bytes arrive in order or not at all. While a link is cut, what is
// sent over it waits; after a while without progress the sender's end breaks, as a kernel's does. A
// killed process's connections are reset; those of a host that lost power fall silent. A stopped
// process's connections stay open, and nobody answers on them.
#ifndef MILLRACE_TESTS_SIM_NETWORK_H_
#define MILLRACE_TESTS_SIM_NETWORK_H_

#include <kj/async-io.h>
#include <kj/debug.h>
#include <kj/time.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/world.h"

namespace millrace::sim {

struct Conversation;  // one connection, seen from outside: network.cc
class Listener;

struct NetworkOptions {
  kj::Duration latency = 100 * kj::MICROSECONDS;
  kj::Duration jitter = 200 * kj::MICROSECONDS;  // each message takes up to this much longer
  // The largest number of bytes on the way in one direction before a writer has to wait.
  size_t window = 256 << 10;
  // How long a sender goes on without an acknowledgement (TCP_USER_TIMEOUT).
  kj::Duration patience = 20 * kj::SECONDS;
};

class Network {
 public:
  Network(World& world, const NetworkOptions& options);
  ~Network() noexcept(false);
  KJ_DISALLOW_COPY(Network);

  // --- Trouble ---

  // Nothing that `from` sends arrives at `to`; the other way is not touched.
  void Cut(const std::string& from, const std::string& to);
  // Both ways.
  void Part(const std::string& a, const std::string& b);
  // No host but itself hears it or is heard by it.
  void Isolate(const std::string& host);
  // What is sent over the link takes longer by `extra` until `until`.
  void Clog(const std::string& from, const std::string& to, kj::Duration extra,
            kj::TimePoint until);
  // Whatever is said on connections that `from` makes to `to` until then arrives a second time, on
  // a connection of its own. What is answered there nobody hears; it ends with Heal.
  void Duplicate(const std::string& from, const std::string& to, kj::TimePoint until);
  // Every connection between the two is reset; new ones work.
  void ResetConnections(const std::string& a, const std::string& b);
  // All links work again.
  void Heal();
  // A host without power answers nothing, and its connections end without a word.
  void SetPower(const std::string& host, bool on);

  bool IsCut(const std::string& from, const std::string& to) const;
  void AddHost(const std::string& host);
  const std::vector<std::string>& hosts() const { return hosts_; }
  World& world() { return world_; }

  // Connections that were made and reset so far.
  uint64_t connections() const { return connections_; }
  uint64_t resets() const { return resets_; }

 private:
  friend class Interface;
  friend class Listener;
  friend class StreamEnd;
  friend class RemoteAddress;
  friend struct Conversation;

  struct Slowness {
    kj::Duration extra = 0 * kj::SECONDS;
    kj::TimePoint until = kj::origin<kj::TimePoint>();
  };

  kj::Duration Latency(const std::string& from, const std::string& to);
  bool HasPower(const std::string& host) const { return without_power_.count(host) == 0; }
  void Listen(const std::string& host, uint port, Listener* listener);
  void Forget(Listener* listener);
  Listener* Find(const std::string& host, uint port);
  bool Duplicates(const std::string& from, const std::string& to) const;
  std::vector<std::shared_ptr<Conversation>> Conversations();

  World& world_;
  const NetworkOptions options_;
  Random random_;
  std::vector<std::string> hosts_;
  std::set<std::pair<std::string, std::string>> cuts_;
  std::map<std::pair<std::string, std::string>, Slowness> clogs_;
  std::map<std::pair<std::string, std::string>, kj::TimePoint> duplicates_;
  std::set<std::string> without_power_;
  std::map<std::pair<std::string, uint>, Listener*> listeners_;
  std::vector<std::weak_ptr<Conversation>> conversations_;
  uint next_port_ = 40000;
  uint64_t connections_ = 0;
  uint64_t resets_ = 0;
};

// What one process sees of the network. Addresses are "HOST:PORT" with a host's name.
class Interface final : public kj::Network {
 public:
  // Both must outlive it.
  Interface(sim::Network& network, Life& life, std::string host);

  kj::Promise<kj::Own<kj::NetworkAddress>> parseAddress(kj::StringPtr address,
                                                        uint port_hint) override;
  kj::Own<kj::NetworkAddress> getSockaddr(const void*, uint) override { Refuse(); }
  kj::Own<kj::Network> restrictPeers(kj::ArrayPtr<const kj::StringPtr>,
                                     kj::ArrayPtr<const kj::StringPtr>) override {
    Refuse();
  }

 private:
  [[noreturn]] static void Refuse() {
    kj::throwFatalException(KJ_EXCEPTION(UNIMPLEMENTED, "none"));
  }

  sim::Network& network_;
  Life& life_;
  const std::string host_;
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_NETWORK_H_
