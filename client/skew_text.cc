#include "client/skew_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/quantities.h"
#include "mapreduce/count_text.h"

namespace millrace {
namespace {

std::string KeyText(const HeavyKey& key) {
  return absl::StrCat("\"", ShownKey(key), key.is_cut ? "…" : "", "\" ", BytesText(key.bytes),
                      " in ", CountText(key.records, "record"));
}

std::string PartText(const SkewedPart& part, const Skew& skew) {
  const double share = 100.0 * static_cast<double>(part.bytes) / skew.total_bytes;
  std::string text = absl::StrFormat("part %d has %s, %.0f %% of the reduce input, ", part.part,
                                     BytesText(part.bytes), share);
  if (skew.median_bytes == 0) {
    absl::StrAppend(&text, "where most parts have nothing");
  } else {
    const double times = static_cast<double>(part.bytes) / skew.median_bytes;
    absl::StrAppend(&text, absl::StrFormat("%.3g times the median", times));
  }
  const char* before = ": ";
  for (const HeavyKey& key : part.keys) {
    absl::StrAppend(&text, before, before[0] == ':' ? "key " : "", KeyText(key));
    before = ", ";
  }
  return text;
}

// A heavy key is in one part, however many there are.
const char* WhatToDo(const Skew& skew) {
  for (const SkewedPart& part : skew.parts) {
    if (!part.keys.empty()) {
      return "what helps: a combiner or an aggregate, which leave less of a key, or keys that are "
             "cut finer; more reducers do not divide a key";
    }
  }
  return "what helps: more reducers, or a partitioner that divides these keys better; no single "
         "key is to blame";
}

}  // namespace

std::string SkewText(const JobView& view) {
  if (!view.HasSkewToTell()) return "";
  std::string text;
  const char* head = "  skew      ";
  for (const SkewedPart& part : view.skew.parts) {
    absl::StrAppend(&text, head, PartText(part, view.skew), "\n");
    head = "            ";
  }
  if (view.skew.more_parts > 0) {
    absl::StrAppend(&text, head, "and ", view.skew.more_parts, " smaller ones\n");
  }
  return absl::StrCat(text, head, WhatToDo(view.skew), "\n");
}

}  // namespace millrace
