#include "master/core/core_state.h"

#include <variant>

#include "master/core/check.h"

namespace millrace {

Decision CoreState::OnEvent(CoreTime now, const Event& event) {
  CORE_CHECK(turn_.now() <= now);
  turn_.Begin(now);
  std::visit([this](const auto& e) { On(e); }, event);
  scheduler_.Run();
  leases_.AskForTick(scheduler_.next_run());
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
