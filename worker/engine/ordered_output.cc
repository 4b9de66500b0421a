#include "worker/engine/ordered_output.h"

namespace millrace {

void OrderedOutput::EmitPair(std::string_view key, std::string_view value) {
  Order(std::nullopt, key, value);
}

void OrderedOutput::EmitPairTo(uint32_t part, std::string_view key, std::string_view value) {
  Order(part, key, value);
}

void OrderedOutput::Order(std::optional<uint32_t> part, std::string_view key,
                          std::string_view value) {
  if (!status().ok()) return;
  // Before it is copied, which may take more memory than there is.
  if (const uint64_t bytes = key.size() + value.size(); bytes > max_pair_bytes()) {
    return FailTooLong(key, bytes, max_pair_bytes());
  }
  TaskHooks& hooks = *context().hooks;
  hooks.sampler.NextTurn(WorkPhase::kAggregate);
  maker_.Make(key, value);
  // Escaped and ended, a pair may have become too long.
  const uint64_t bytes = maker_.sort_key().size() + maker_.rest().size();
  if (bytes > max_pair_bytes()) {
    FailTooLong(maker_.key(), bytes, max_pair_bytes());
  } else {
    Collect(part.has_value() ? *part : PartOf(maker_.key()), maker_.sort_key(), maker_.rest());
  }
  hooks.sampler.Switch(WorkPhase::kMap);
}

}  // namespace millrace
