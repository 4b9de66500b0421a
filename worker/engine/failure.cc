#include "worker/engine/failure.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

constexpr char kBadSourcePayload[] = "millrace/bad_source_map_index";

}  // namespace

absl::Status BadSource(uint32_t map_index, const absl::Status& cause) {
  absl::Status status = absl::DataLossError(
      absl::StrCat("the output of map task ", map_index, " cannot be used: ", cause.message()));
  status.SetPayload(kBadSourcePayload, absl::Cord(absl::StrCat(map_index)));
  return status;
}

std::optional<uint32_t> BadSourceOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kBadSourcePayload);
  uint32_t map_index = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &map_index)) {
    return std::nullopt;
  }
  return map_index;
}

}  // namespace millrace
