#include "worker/engine/failure.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/strings.h"
#include "storage/run_format.h"

namespace millrace {
namespace {

constexpr char kBadSourcePayload[] = "millrace/bad_source_map_index";

constexpr uint64_t kRecordShare = 8;

// Enough to recognise a key by.
constexpr size_t kKeyBytesShown = 40;

}  // namespace

uint64_t MaxRecordBytes(uint64_t task_memory_bytes) {
  return std::min<uint64_t>(task_memory_bytes / kRecordShare, kMaxRecordBytes);
}

std::string LimitHint(uint64_t limit_bytes) {
  return limit_bytes < kMaxRecordBytes
             ? absl::StrCat("this job's --task_memory_mb allows ", limit_bytes, ": raise it, or")
             : absl::StrCat("at most ", limit_bytes, " are allowed, whatever --task_memory_mb is:");
}

absl::Status TooLong(std::string_view who, std::string_view key, uint64_t bytes,
                     uint64_t limit_bytes, std::string_view position) {
  const std::string_view front = key.substr(0, kKeyBytesShown);
  const std::string shown = absl::StrCat("\"", absl::CHexEscape(ToAbsl(front)),
                                         front.size() < key.size() ? "…" : "", "\"");
  const std::string what =
      bytes == key.size()
          ? absl::StrCat("a key of ", bytes, " bytes, ", shown)
          : absl::StrCat("a pair of ", bytes, " bytes, its key of ", key.size(), " is ", shown);
  return absl::OutOfRangeError(absl::StrCat(ToAbsl(position), position.empty() ? "" : ": ",
                                            ToAbsl(who), " emitted ", what, "; ",
                                            LimitHint(limit_bytes), " emit smaller pieces"));
}

absl::Status CheckCounters(const CounterSet& counters) {
  if (counters.refused().empty()) return absl::OkStatus();
  return absl::AbortedError(
      absl::StrCat("user code asked for the counter ", counters.refused(),
                   ", but the groups \"millrace\" and \"millrace.*\" are Millrace's own; "
                   "name another group"));
}

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
