// Calls that a server runs once, as plain values: see rpc/caller.h.
#ifndef MILLRACE_RPC_CALL_TYPES_H_
#define MILLRACE_RPC_CALL_TYPES_H_

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace millrace {

// One incarnation of one client: 128 random bits, drawn when it starts.
struct ClientId {
  uint64_t high = 0;
  uint64_t low = 0;

  friend bool operator==(const ClientId& a, const ClientId& b) {
    return a.high == b.high && a.low == b.low;
  }
  friend bool operator<(const ClientId& a, const ClientId& b) {
    return std::tie(a.high, a.low) < std::tie(b.high, b.low);
  }
  template <typename H>
  friend H AbslHashValue(H hash, const ClientId& id) {
    return H::combine(std::move(hash), id.high, id.low);
  }
};

// Which call of a client this is. Client and sequence together are the call's transaction id (XID):
// the same in every copy of it that is sent.
struct CallHeader {
  ClientId client;
  uint64_t session = 0;     // the server's name for this client
  uint64_t sequence = 0;    // from 1 up
  uint64_t seen_up_to = 0;  // the client has the replies to all calls up to this one
};

// What a service answers: a reply, or why it refused. A refused call has had no effect.
struct CallReply {
  bool refused = false;
  std::string bytes;  // the reply, or the reason

  static CallReply Done(std::string reply) { return {false, std::move(reply)}; }
  static CallReply Refused(std::string reason) { return {true, std::move(reason)}; }
  friend bool operator==(const CallReply& a, const CallReply& b) {
    return a.refused == b.refused && a.bytes == b.bytes;
  }
};

// One client as a server remembers it, for one that is to remember it again.
struct ClientRecord {
  struct Reply {
    uint64_t sequence = 0;
    CallReply reply;
  };
  ClientId client;
  uint64_t session = 0;
  uint64_t seen_up_to = 0;
  std::vector<Reply> replies;
};

// What a caller learns about its call.
enum class CallEnd {
  kDone,     // executed; here is the reply
  kRefused,  // certainly not executed, or without effect; here is why
  kUnknown,  // executed or not, once or, at least once, more often: nobody can tell; here is why
};

struct CallResult {
  CallEnd end = CallEnd::kUnknown;
  std::string bytes;  // the reply, or the reason
};

}  // namespace millrace

#endif  // MILLRACE_RPC_CALL_TYPES_H_
