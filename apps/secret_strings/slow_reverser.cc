#include "apps/secret_strings/slow_reverser.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/status_exception.h"

namespace millrace {

// A string that waits or is being reversed; gone with the promise of its caller.
class SlowReverser::Place {
 public:
  Place(kj::PromiseFulfiller<Reversal>& reversed, SlowReverser& reverser, std::string text)
      : reversed_(reversed), reverser_(reverser), text_(std::move(text)) {
    reverser_.places_.push_back(this);
    if (reverser_.waiting() == 1) reverser_.working_ = reverser_.Work().eagerlyEvaluate(nullptr);
  }
  ~Place() { reverser_.Leave(this); }
  KJ_DISALLOW_COPY(Place);

  void Finish() { reversed_.fulfill(Reverse(text_)); }

 private:
  kj::PromiseFulfiller<Reversal>& reversed_;
  SlowReverser& reverser_;
  const std::string text_;
};

kj::Promise<Reversal> SlowReverser::Add(std::string text) {
  if (waiting() >= waiting_max_) {
    return ToException(
        absl::ResourceExhaustedError(absl::StrCat(waiting_max_, " strings wait already")));
  }
  return kj::newAdaptedPromise<Reversal, Place>(*this, std::move(text));
}

void SlowReverser::Leave(Place* place) {
  const bool was_first = !places_.empty() && places_.front() == place;
  places_.remove(place);
  if (!was_first) return;  // one that is finished has left already
  working_ = places_.empty() ? kj::Promise<void>(nullptr) : Work().eagerlyEvaluate(nullptr);
}

kj::Promise<void> SlowReverser::Work() {
  return timer_.afterDelay(takes_).then([this]() -> kj::Promise<void> {
    FinishFirst();
    if (places_.empty()) return kj::READY_NOW;
    return Work();  // the tail call
  });
}

// The caller's promise is dropped in a later turn, so nobody leaves meanwhile.
void SlowReverser::FinishFirst() {
  Place* const first = places_.front();
  places_.pop_front();
  first->Finish();
}

}  // namespace millrace
