#include "client/lineage_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/quantities.h"
#include "client/tables.h"
#include "client/text_lines.h"
#include "mapreduce/count_text.h"

namespace millrace {
namespace {

constexpr size_t kIndent = 4;

std::string DigestText(const Digest& digest) { return digest == Digest() ? "-" : digest.ToHex(); }

std::string WinnerText(const LineageView& lineage) {
  if (!lineage.winner.is_set()) return "none";
  std::string text = ToString(lineage.winner);
  for (const AttemptView& attempt : lineage.attempts) {
    if (attempt.attempt != lineage.winner) continue;
    absl::StrAppend(&text, " on ", attempt.worker_name, " (", Name(attempt.reason), "), ",
                    BytesText(attempt.stats.output_bytes));
  }
  if (lineage.digest != Digest()) absl::StrAppend(&text, ", digest ", lineage.digest.ToHex());
  return text;
}

std::string SplitText(const InputSplit& split) {
  uint64_t bytes = 0;
  std::vector<TableRow> rows = {{"FILE", "OFFSET", "LENGTH"}};
  for (const FileRange& range : split) {
    bytes += range.length;
    rows.push_back({range.file.path, absl::StrCat(range.offset), absl::StrCat(range.length)});
  }
  return absl::StrCat("  split     ", CountText(split.size(), "range"), ", ", BytesText(bytes),
                      "\n", Indented(AlignedTable(rows), kIndent));
}

std::string SourcesText(const LineageView& lineage) {
  std::vector<TableRow> rows = {{"MAP", "STATE", "ATTEMPT", "WORKER", "DIGEST"}};
  uint64_t wanting = 0;
  for (const SourceView& source : lineage.read) {
    const bool at_hand =
        source.state == SourceState::kAvailable || source.state == SourceState::kReleased;
    if (!at_hand) ++wanting;
    rows.push_back({TaskName(StageKind::kMap, source.map_index), Name(source.state),
                    source.attempt.is_set() ? ToString(source.attempt) : "-",
                    source.worker_name.empty() ? "-" : source.worker_name,
                    DigestText(source.digest)});
  }
  std::string text = absl::StrCat("  sources   ", CountText(lineage.sources, "map output"));
  if (wanting > 0) absl::StrAppend(&text, ", ", wanting, " not available");
  absl::StrAppend(&text, "\n");
  return lineage.read.empty() ? text : absl::StrCat(text, Indented(AlignedTable(rows), kIndent));
}

}  // namespace

std::string LineageText(const LineageView& lineage) {
  std::string text =
      absl::StrCat(TaskName(lineage.kind, lineage.task.index), " of ", ToString(lineage.task.job),
                   ": ", lineage.state, "\n  winner    ", WinnerText(lineage), "\n");
  if (lineage.made_for.job.is_set()) {
    absl::StrAppend(&text, "  reused    the output of ",
                    TaskName(StageKind::kMap, lineage.made_for.index), " of ",
                    ToString(lineage.made_for.job), "\n");
  }
  if (lineage.part_of.job.is_set()) {
    absl::StrAppend(&text, "  reads     the part of ",
                    TaskName(StageKind::kReduce, lineage.part_of.index), " of ",
                    ToString(lineage.part_of.job), "\n");
  }
  if (!lineage.split.empty()) absl::StrAppend(&text, SplitText(lineage.split));
  if (lineage.kind == StageKind::kReduce) absl::StrAppend(&text, SourcesText(lineage));
  absl::StrAppend(&text, "  attempts  ", lineage.attempts.size(), "\n");
  if (!lineage.attempts.empty()) {
    absl::StrAppend(&text, Indented(AttemptsTable(lineage.attempts), kIndent));
  }
  if (!lineage.forgotten.empty()) absl::StrAppend(&text, "  forgotten ", lineage.forgotten, "\n");
  return text;
}

}  // namespace millrace
