// The world of a simulation: true time, what is due at which time, and the processes in it.
//
// Everything runs on one event loop in one thread. Nothing ever waits: when all that can happen now
// has happened, time jumps to whatever is due next. Each process has a clock of its own, which runs
// faster or slower than true time and stands still while the process is stopped.
//
// A process that is killed is cut off first (its network and its files fall silent, at once and
// wherever the kill struck), and its objects are destroyed as soon as none of them is on the stack.
#ifndef MILLRACE_TESTS_SIM_WORLD_H_
#define MILLRACE_TESTS_SIM_WORLD_H_

#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/random.h"
#include "tests/sim/trace.h"

namespace millrace::sim {

class World;

// One life of one process: what its parts ask before they touch the world.
class Life {
 public:
  Life(World& world, std::string name, double clock_rate);
  ~Life();
  KJ_DISALLOW_COPY(Life);

  const std::string& name() const { return name_; }
  bool alive() const { return alive_; }
  bool stopped() const { return stopped_; }
  kj::Timer& timer() { return timer_; }
  World& world() { return world_; }

  // Counts a step that the rest of the world can see (a change of a file, bytes sent). Kills the
  // process at the step chosen by DieAfter. False: it is dead, and the step must not happen.
  bool Step();
  void DieAfter(uint64_t steps) { steps_left_ = steps; }
  // As `kill -9`.
  void Kill();
  // As SIGSTOP and SIGCONT.
  void Stop();
  void Continue();

  // Called at once when the process is killed, stopped or continued.
  void OnChange(std::function<void()> listener) { listeners_.push_back(std::move(listener)); }

 private:
  friend class World;

  // Of the process's own clock, in true time; none while it is stopped or dead.
  kj::Maybe<kj::TimePoint> NextEvent();
  void AdvanceTo(kj::TimePoint true_time);
  kj::TimePoint LocalTime(kj::TimePoint true_time) const;
  void Changed();

  World& world_;
  const std::string name_;
  const double clock_rate_;
  const kj::TimePoint born_;
  kj::TimerImpl timer_;
  bool alive_ = true;
  bool stopped_ = false;
  uint64_t steps_left_ = UINT64_MAX;
  std::vector<std::function<void()>> listeners_;
};

class World {
 public:
  World(uint64_t seed, bool print_trace);
  ~World() noexcept(false);
  KJ_DISALLOW_COPY(World);

  kj::TimePoint now() const { return now_; }
  int64_t now_us() const { return (now_ - kj::origin<kj::TimePoint>()) / kj::MICROSECONDS; }
  Random& random() { return random_; }
  Trace& trace() { return trace_; }
  void Note(std::string_view who, std::string_view what) { trace_.Note(now_us(), who, what); }
  kj::WaitScope& scope() { return scope_; }

  // Calls `what` at that time, when nothing else is going on. Same times: in the order of asking.
  void At(kj::TimePoint time, std::function<void()> what);
  void After(kj::Duration delay, std::function<void()> what) { At(now_ + delay, std::move(what)); }
  // Calls it as soon as nothing is on the stack.
  void Soon(std::function<void()> what) { soon_.push_back(std::move(what)); }

  // Lets everything happen that can happen without time passing.
  void Settle();
  // Leaves all clocks at the end of `duration`.
  void RunFor(kj::Duration duration);
  // False: `limit` has passed first, and that is what all clocks show.
  bool RunUntil(const std::function<bool()>& done, kj::Duration limit);

  // Turns of the event loop so far: the finest measure of when something happens.
  uint64_t turns() const { return turns_; }
  // Calls `what` between two turns of the loop, `turns` from now, in the middle of whatever goes
  // on.
  void AfterTurns(uint64_t turns, std::function<void()> what);

 private:
  friend class Life;

  void RunSoon();
  void CheckThatTimePasses(kj::TimePoint next);
  // Moves on to the next thing that is due, at most to `limit`; false: nothing is due by then.
  bool Advance(kj::TimePoint limit);
  void AdvanceClocks();

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  kj::TimePoint now_ = kj::origin<kj::TimePoint>() + 1 * kj::HOURS;
  Random random_;
  Trace trace_;
  uint64_t turns_ = 0;
  uint64_t asked_ = 0;
  uint64_t steps_at_once_ = 0;
  std::map<std::pair<kj::TimePoint, uint64_t>, std::function<void()>> due_;
  std::map<std::pair<uint64_t, uint64_t>, std::function<void()>> at_turn_;
  std::vector<std::function<void()>> soon_;
  std::vector<Life*> lives_;
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_WORLD_H_
