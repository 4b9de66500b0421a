// The two ends of a question about the time: a server that stamps, and a client that asks often and
// keeps the best answer. Both read the clock that they are given, and set none.
//
// Lives on one event loop.
#ifndef MILLRACE_APPS_CLOCK_SYNC_CLOCK_SERVICE_H_
#define MILLRACE_APPS_CLOCK_SYNC_CLOCK_SERVICE_H_

#include <capnp/capability.h>
#include <kj/async.h>
#include <kj/time.h>
#include <kj/timer.h>

#include <cstdint>
#include <string>

#include "apps/clock_sync/clock_sync.capnp.h"
#include "apps/clock_sync/estimate.h"
#include "rpc/call_scope.h"

namespace millrace {

int64_t NanosecondsOf(const kj::Clock& clock);

// A clock that is ahead of another one; behind it when the skew is negative.
class SkewedClock final : public kj::Clock {
 public:
  SkewedClock(const kj::Clock& clock, kj::Duration skew) : clock_(clock), skew_(skew) {}
  kj::Date now() const override { return clock_.now() + skew_; }

 private:
  const kj::Clock& clock_;
  const kj::Duration skew_;
};

// The serving end. Ends its calls when it goes; timer and clock must outlive it.
class ClockService {
 public:
  // `work` is how long it pretends to be busy between its two stamps.
  ClockService(kj::Timer& timer, const kj::Clock& clock, kj::Duration work)
      : timer_(timer), clock_(clock), work_(work) {}
  KJ_DISALLOW_COPY(ClockService);

  // What a client reaches.
  capnp::Capability::Client NewServer();

 private:
  class Server;

  kj::Promise<void> PretendToWork();

  kj::Timer& timer_;
  const kj::Clock& clock_;
  const kj::Duration work_;
  CallScope calls_;
};

class Sampler {
 public:
  struct Options {
    std::string name = "the server";  // for messages
    int samples = 8;
    // A question that takes longer teaches nothing: its bound would be worse than that of any
    // other.
    kj::Duration timeout = 2 * kj::SECONDS;
  };

  Sampler(kj::Timer& timer, const kj::Clock& clock, capnp::Capability::Client server,
          const Options& options);
  KJ_DISALLOW_COPY(Sampler);

  // Asks one question after the other; when the connection is lost, what was learned before counts.
  // Rejects when nothing was: with OVERLOADED when no answer came in time, with DISCONNECTED when
  // the server was lost before the first one, or does not tell the time at all. Must not outlive
  // the sampler.
  kj::Promise<void> Run();

  const BestSample& best() const { return best_; }
  int unanswered() const { return unanswered_; }

 private:
  kj::Promise<void> Ask();
  void LetPass(kj::Exception&& e);
  std::string Asking() const { return "asking " + options_.name + " for the time"; }

  kj::Timer& timer_;
  const kj::Clock& clock_;
  capnp_clock_sync::Clock::Client server_;
  const Options options_;
  int asked_ = 0;
  int unanswered_ = 0;
  bool lost_ = false;
  BestSample best_;
};

}  // namespace millrace

#endif  // MILLRACE_APPS_CLOCK_SYNC_CLOCK_SERVICE_H_
