#include "tests/sim/world.h"

#include <algorithm>

#include "glog/logging.h"

namespace millrace::sim {
namespace {

// More turns than this without time passing is a loop that never ends.
constexpr uint64_t kTurnsAtOnceMax = 5'000'000;

constexpr uint64_t kStepsAtOnceMax = 1'000'000;

}  // namespace

// --- Life ---

Life::Life(World& world, std::string name, double clock_rate)
    : world_(world),
      name_(std::move(name)),
      clock_rate_(clock_rate),
      born_(world.now()),
      timer_(kj::origin<kj::TimePoint>() + 1 * kj::DAYS) {
  world_.lives_.push_back(this);
}

Life::~Life() {
  auto& lives = world_.lives_;
  lives.erase(std::remove(lives.begin(), lives.end(), this), lives.end());
}

bool Life::Step() {
  if (!alive_) return false;
  if (steps_left_-- > 0) return true;
  Kill();
  return false;
}

void Life::Kill() {
  if (!alive_) return;
  world_.Note(name_, "killed");
  alive_ = false;
  Changed();
}

void Life::Stop() {
  if (!alive_ || stopped_) return;
  world_.Note(name_, "stopped");
  stopped_ = true;
  Changed();
}

void Life::Continue() {
  if (!alive_ || !stopped_) return;
  world_.Note(name_, "continued");
  stopped_ = false;
  Changed();
}

void Life::Changed() {
  for (const auto& listener : listeners_) listener();
}

kj::TimePoint Life::LocalTime(kj::TimePoint true_time) const {
  const double us = static_cast<double>((true_time - born_) / kj::MICROSECONDS) * clock_rate_;
  return kj::origin<kj::TimePoint>() + 1 * kj::DAYS + static_cast<int64_t>(us) * kj::MICROSECONDS;
}

kj::Maybe<kj::TimePoint> Life::NextEvent() {
  if (!alive_ || stopped_) return nullptr;
  KJ_IF_MAYBE (next, timer_.nextEvent()) {
    const auto local = (*next - kj::origin<kj::TimePoint>() - 1 * kj::DAYS) / kj::MICROSECONDS;
    // Rounded up by more than all that is rounded down, so that the event is really due then.
    const auto us = static_cast<int64_t>(static_cast<double>(local) / clock_rate_) + 4;
    return std::max(world_.now(), born_ + us * kj::MICROSECONDS);
  }
  return nullptr;
}

void Life::AdvanceTo(kj::TimePoint true_time) {
  if (alive_ && !stopped_) timer_.advanceTo(std::max(timer_.now(), LocalTime(true_time)));
}

// --- World ---

World::World(uint64_t seed, bool print_trace) : random_(seed), trace_(print_trace) {}

World::~World() noexcept(false) = default;

void World::At(kj::TimePoint time, std::function<void()> what) {
  due_[{std::max(time, now_), ++asked_}] = std::move(what);
}

void World::AfterTurns(uint64_t turns, std::function<void()> what) {
  at_turn_[{turns_ + turns, ++asked_}] = std::move(what);
}

void World::RunSoon() {
  while (!soon_.empty()) {
    const std::vector<std::function<void()>> now = std::exchange(soon_, {});
    for (const auto& what : now) what();
  }
}

void World::Settle() {
  const uint64_t limit = turns_ + kTurnsAtOnceMax;
  RunSoon();
  while (loop_.isRunnable()) {
    loop_.run(1);
    ++turns_;
    CHECK_LT(turns_, limit) << "the event loop runs on and on without time passing";
    while (!at_turn_.empty() && at_turn_.begin()->first.first <= turns_) {
      const std::function<void()> what = std::move(at_turn_.begin()->second);
      at_turn_.erase(at_turn_.begin());
      what();
    }
    RunSoon();
  }
}

void World::CheckThatTimePasses(kj::TimePoint next) {
  steps_at_once_ = next > now_ ? 0 : steps_at_once_ + 1;
  if (steps_at_once_ < kStepsAtOnceMax) return;
  for (Life* life : lives_) {
    KJ_IF_MAYBE (event, life->NextEvent()) {
      LOG_IF(ERROR, *event <= now_) << life->name() << " wants to go on at this very moment";
    }
  }
  LOG(FATAL) << "time does not pass any more; " << due_.size() << " things are due";
}

bool World::Advance(kj::TimePoint limit) {
  kj::TimePoint next = kj::maxValue;
  if (!due_.empty()) next = due_.begin()->first.first;
  for (Life* life : lives_) {
    KJ_IF_MAYBE (event, life->NextEvent()) next = std::min(next, *event);
  }
  if (next > limit) return false;
  CheckThatTimePasses(next);
  now_ = std::max(now_, next);
  while (!due_.empty() && due_.begin()->first.first <= now_) {
    const std::function<void()> what = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    what();
  }
  AdvanceClocks();
  return true;
}

// Of all processes there are now: what was due may have begun or ended some.
void World::AdvanceClocks() {
  for (Life* life : std::vector<Life*>(lives_)) life->AdvanceTo(now_);
}

void World::RunFor(kj::Duration duration) {
  RunUntil([]() { return false; }, duration);
}

bool World::RunUntil(const std::function<bool()>& done, kj::Duration limit) {
  const kj::TimePoint end = now_ + limit;
  Settle();
  while (!done()) {
    if (!Advance(end)) {
      // Whoever begins a deadline after this begins it now, and not when something was last due.
      now_ = std::max(now_, end);
      AdvanceClocks();
      Settle();
      return done();
    }
    Settle();
  }
  return true;
}

}  // namespace millrace::sim
