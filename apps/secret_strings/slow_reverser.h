// Reverses strings one at a time, each in the same time, in the order in which they came.
//
// A caller who goes away gives up its place. Lives on one event loop.
#ifndef MILLRACE_APPS_SECRET_STRINGS_SLOW_REVERSER_H_
#define MILLRACE_APPS_SECRET_STRINGS_SLOW_REVERSER_H_

#include <kj/async.h>
#include <kj/time.h>
#include <kj/timer.h>

#include <cstddef>
#include <list>
#include <string>

#include "apps/secret_strings/reversal.h"

namespace millrace {

class SlowReverser {
 public:
  // At most `waiting_max` strings wait or are reversed at a time.
  SlowReverser(kj::Timer& timer, kj::Duration takes, size_t waiting_max)
      : timer_(timer), takes_(takes), waiting_max_(waiting_max) {}
  KJ_DISALLOW_COPY(SlowReverser);

  // Rejects with OVERLOADED when too many wait. The promise must not outlive the reverser.
  kj::Promise<Reversal> Add(std::string text);

  size_t waiting() const { return places_.size(); }

 private:
  class Place;

  void Leave(Place* place);
  kj::Promise<void> Work();
  void FinishFirst();

  kj::Timer& timer_;
  const kj::Duration takes_;
  const size_t waiting_max_;
  std::list<Place*> places_;             // the first is being reversed
  kj::Promise<void> working_ = nullptr;  // while there are places
};

}  // namespace millrace

#endif  // MILLRACE_APPS_SECRET_STRINGS_SLOW_REVERSER_H_
