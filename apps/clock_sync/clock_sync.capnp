# How the time is asked.
@0xaa5025b968883e1a;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::capnp_clock_sync");

interface Clock {
  # What the server's clock showed when the question came and when the answer went, in nanoseconds
  # since the epoch.
  ask @0 () -> (receivedNs :Int64, answeredNs :Int64);
}
