#include "client/dry_run.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/quantities.h"
#include "mapreduce/count_text.h"
#include "storage/input_split.h"

namespace millrace {
namespace {

constexpr size_t kFilesNamed = 5;
// One core sorts and writes about so much in a quarter of an hour.
constexpr uint64_t kMuchForOnePart = uint64_t{10} << 30;
// So much of a compressed file a sample gets through in its second, more or less.
constexpr uint64_t kMuchForASample = 64 << 20;

uint64_t BytesOf(const InputSplit& split) {
  uint64_t bytes = 0;
  for (const FileRange& range : split) bytes += range.length;
  return bytes;
}

const char* NameOf(Compression compression) {
  return compression == Compression::kGzip ? "gzip" : "zstd";
}

// Why a file that is longer than a split is one, if it is.
std::string WhyInOnePiece(const InputFile& file, const JobSpec& spec) {
  if (file.size <= spec.split_bytes || IsCuttable(file, spec.input_format)) return "";
  if (spec.input_format == InputFormat::kWholeFile) return "one record";
  if (!file.cuts.empty()) return "";
  return absl::StrCat(NameOf(file.compression),
                      file.compression == Compression::kZstd ? ", not cut at its frames" : "");
}

void AddFilesInOnePiece(const JobSpec& spec, std::string* text) {
  size_t count = 0;
  std::string named;
  for (const InputFile& file : spec.inputs) {
    const std::string why = WhyInOnePiece(file, spec);
    if (why.empty() || ++count > kFilesNamed) continue;
    absl::StrAppend(&named, "  ", file.path, " (", why, ", ", BytesText(file.size), ")\n");
  }
  if (count == 0) return;
  absl::StrAppend(text, "read in one piece each: ", CountText(count, "file"),
                  ", although longer than a split\n", named);
  if (count > kFilesNamed) absl::StrAppend(text, "  and ", count - kFilesNamed, " more\n");
}

struct Totals {
  uint64_t bytes = 0;
  uint64_t largest_split = 0;
  std::vector<InputSplit> splits;
};

Totals TotalsOf(const JobSpec& spec) {
  Totals totals;
  totals.splits = MakeSplits(spec.inputs, spec.split_bytes, spec.input_format);
  for (const InputSplit& split : totals.splits) {
    totals.bytes += BytesOf(split);
    totals.largest_split = std::max(totals.largest_split, BytesOf(split));
  }
  return totals;
}

// Not set when nobody can say yet.
std::optional<uint64_t> ReducersOf(const DryRun& run, uint64_t bytes) {
  if (run.options->reducers.has_value()) return *run.options->reducers;
  if (!run.slots.has_value()) return std::nullopt;
  return DefaultReducers(*run.slots, bytes);
}

std::string ReduceTasksText(const DryRun& run, const Totals& totals) {
  const std::optional<uint64_t> reducers = ReducersOf(run, totals.bytes);
  if (!reducers.has_value()) {
    return "8 for each slot of the cluster, but at most one for 16 MiB of input";
  }
  if (*reducers == 0) return "none; each map task writes a part";
  const char* const chosen = run.options->reducers.has_value() ? "" : " (chosen; see --reducers)";
  return absl::StrCat(*reducers, chosen);
}

// A file of which a sample may see the front alone; null if there is none.
const InputFile* HardToSample(const JobSpec& spec) {
  for (const InputFile& file : spec.inputs) {
    const bool is_packed = file.compression != Compression::kNone && file.cuts.empty();
    if (is_packed && file.size > kMuchForASample) return &file;
  }
  return nullptr;
}

void AddWarnings(const DryRun& run, const Totals& totals, std::string* text) {
  const auto warn = [text](const std::string& what) {
    absl::StrAppend(text, "warning: ", what, "\n");
  };
  const std::optional<uint64_t> reducers = ReducersOf(run, totals.bytes);
  if (reducers.has_value() && *reducers > 0 && totals.bytes / *reducers > kMuchForOnePart) {
    warn(absl::StrCat(CountText(*reducers, "reduce task"), " for ", BytesText(totals.bytes),
                      " of input: up to ", BytesText(totals.bytes / *reducers),
                      " go through each; --reducers takes more"));
  }
  if (totals.largest_split > 4 * run.spec->split_bytes && totals.splits.size() > 1) {
    warn(absl::StrCat("the largest map task has ", BytesText(totals.largest_split),
                      ", and the others may wait for it; cut or compress its input otherwise"));
  }
  const InputFile* const packed = run.total_order ? HardToSample(*run.spec) : nullptr;
  if (packed != nullptr) {
    warn(absl::StrCat("the sample by which parts are chosen may see only the front of ",
                      packed->path, " (", NameOf(packed->compression), ", ",
                      BytesText(packed->size),
                      "); if the file is in order, most of it goes to one part, so cut it"));
  }
  if (run.free_bytes.has_value() && *run.free_bytes < totals.bytes) {
    warn(absl::StrCat("only ", BytesText(*run.free_bytes), " are free where the output goes, for ",
                      BytesText(totals.bytes), " of input; make room, or choose another --output"));
  }
  if (totals.bytes == 0) warn("the input is empty");
}

}  // namespace

std::string DryRunText(const DryRun& run) {
  const JobSpec& spec = *run.spec;
  const Totals totals = TotalsOf(spec);
  std::string text = absl::StrCat("job: ", spec.name, "\n");
  if (!spec.before.empty()) {
    const auto name = [](std::string* out, const StepSpec& step) { *out += step.name; };
    absl::StrAppend(&text, "after: ", absl::StrJoin(spec.before, ", ", name),
                    ", of which the first reads the input\n");
  }
  absl::StrAppend(&text, "input: ", CountText(spec.inputs.size(), "file"), ", ",
                  BytesText(totals.bytes), "\n");
  absl::StrAppend(&text, "map tasks: ", totals.splits.size());
  if (!totals.splits.empty()) {
    absl::StrAppend(&text, ", the largest with ", BytesText(totals.largest_split));
  }
  absl::StrAppend(&text, "\nreduce tasks: ", ReduceTasksText(run, totals), "\n");
  absl::StrAppend(&text, "output: ", spec.output_folder);
  if (run.free_bytes.has_value()) {
    absl::StrAppend(&text, ", ", BytesText(*run.free_bytes), " free");
  }
  text += '\n';
  AddFilesInOnePiece(spec, &text);
  AddWarnings(run, totals, &text);
  return text;
}

}  // namespace millrace
