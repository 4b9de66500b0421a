#include "client/quantities.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace millrace {

std::string BytesText(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1000) return absl::StrCat(bytes, " B");
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.3g %s", value, kUnits[unit]);
}

std::string DurationText(uint64_t milliseconds) {
  if (milliseconds < 10'000) return absl::StrFormat("%.2f s", milliseconds / 1000.0);
  if (milliseconds < 60'000) return absl::StrFormat("%.1f s", milliseconds / 1000.0);
  const uint64_t seconds = milliseconds / 1000;
  if (seconds < 3600) return absl::StrFormat("%dm%02ds", seconds / 60, seconds % 60);
  return absl::StrFormat("%dh%02dm", seconds / 3600, seconds / 60 % 60);
}

}  // namespace millrace
