// The output of a map task whose job orders the values of its keys: pairs are collected under sort
// keys (see sort_key.h), in the part of the key that the reducer will see. One thread.
#ifndef MILLRACE_WORKER_ENGINE_ORDERED_OUTPUT_H_
#define MILLRACE_WORKER_ENGINE_ORDERED_OUTPUT_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "worker/engine/map_output.h"
#include "worker/engine/sort_key.h"

namespace millrace {

class OrderedOutput : public CollectedOutput {
 public:
  // `collector` is empty and outlives this object.
  OrderedOutput(const MapOutputContext& context, PairCollector* collector)
      : CollectedOutput(context, collector), maker_(*context.job) {}

  void EmitPair(std::string_view key, std::string_view value) override;
  void EmitPairTo(uint32_t part, std::string_view key, std::string_view value) override;

 private:
  // Without a part the key chooses one.
  void Order(std::optional<uint32_t> part, std::string_view key, std::string_view value);

  SortKeyMaker maker_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_ORDERED_OUTPUT_H_
