# Calls that a server runs once, however often they are sent. See rpc/caller.h and
# rpc/call_server.h; requests and replies are bytes whose meaning is the service's own.
@0xc7b0a9d2e5f41863;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::capnp_call");

# One incarnation of one client: 128 random bits.
struct ClientId {
  high @0 :UInt64;
  low @1 :UInt64;
}

# Which call this is; the same in every copy of it that is sent.
struct CallHeader {
  client @0 :ClientId;
  session @1 :UInt64;   # the server's name for this client
  sequence @2 :UInt64;  # from 1 up
  seenUpTo @3 :UInt64;  # the client has the replies to all calls up to this one
}

struct CallOutcome {
  union {
    reply @0 :Data;
    refused @1 :Text;         # by the service; the call had no effect
    stale @2 :Void;           # the client had seen the reply when it sent a later call
    sessionExpired @3 :Void;  # not executed now; whether it was before, nobody knows any more
  }
}

interface CallServer {
  # Begins a session, which lasts for as long as its client is heard of within `leaseMs`.
  open @0 (client :ClientId) -> (session :UInt64, leaseMs :UInt32);

  # Runs the call once, whoever sends it again. `reply` or `refused` is the same each time.
  call @1 (header :CallHeader, request :Data) -> (outcome :CallOutcome);

  # Runs it each time it arrives, and keeps nothing. Ends when the caller drops it.
  callPlainly @2 (request :Data) -> (outcome :CallOutcome);
}
