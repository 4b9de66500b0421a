#include "master/core/core_state.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "master/core/check.h"

namespace millrace {
namespace {

std::optional<CoreTime> Earlier(std::optional<CoreTime> a, std::optional<CoreTime> b) {
  if (!a.has_value() || !b.has_value()) return a.has_value() ? a : b;
  return std::min(*a, *b);
}

}  // namespace

Decision CoreState::OnEvent(CoreTime now, const Event& event) {
  CORE_CHECK(turn_.now() <= now);
  turn_.Begin(now);
  std::visit([this](const auto& e) { On(e); }, event);
  const bool look_at_stragglers = stragglers_.IsTime(std::holds_alternative<Tick>(event));
  if (look_at_stragglers) stragglers_.TimeOut();
  scheduler_.Run();
  if (look_at_stragglers) stragglers_.BackUp();
  jobs_.reuse().TellDropped();
  leases_.AskForTick(Earlier(scheduler_.next_run(), stragglers_.next_look()));
  return turn_.Finish();
}

void CoreState::On(const Tick&) {
  leases_.TickArrived();
  workers_.LoseExpired();
}

void CoreState::On(const MasterStarted&) {
  workers_.Recover();
  jobs_.Recover();
}

}  // namespace millrace
