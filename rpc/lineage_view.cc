#include "rpc/lineage_view.h"

namespace millrace {

const char* Name(SourceState state) {
  switch (state) {
    case SourceState::kAvailable: return "available";
    case SourceState::kOutOfReach: return "out_of_reach";
    case SourceState::kLost: return "lost";
    case SourceState::kBeingMadeAgain: return "being_made_again";
    case SourceState::kNotMade: return "not_made";
    case SourceState::kBeingMade: return "being_made";
    case SourceState::kReleased: return "released";
  }
  return "unknown";
}

}  // namespace millrace
