#include "client/progress.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/quantities.h"
#include "mapreduce/count_text.h"
#include "rpc/view_json.h"

namespace millrace {
namespace {

constexpr uint64_t kBarPeriodMs = 200;    // as fast as an eye follows
constexpr uint64_t kLinePeriodMs = 1000;  // a log that people can read afterwards
constexpr uint64_t kRateWindowMs = 3000;
constexpr size_t kSamplesMax = 64;
constexpr size_t kBarCells = 20;
// Of the bar, so that it only grows; what a stage takes shows when it runs (RemainingTime).
constexpr double kMapShare = 0.7;
// Narrower terminals get a percentage.
constexpr size_t kColumnsForCells = 50;
constexpr char kGap[] = "  ";

struct Tasks {
  uint64_t done = 0;
  uint64_t total = 0;
};

Tasks TasksOf(const JobView& view, StageKind kind) {
  Tasks tasks;
  for (const StageProgress& stage : view.stages) {
    if (stage.kind != kind) continue;
    tasks.done += stage.done;
    tasks.total += stage.total;
  }
  return tasks;
}

double Ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 1.0 : std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
}

double MapFraction(const JobView& view) {
  const Tasks maps = TasksOf(view, StageKind::kMap);
  // Bytes move before the first task is done, but a task is done only when it is done.
  if (maps.done == maps.total) return 1.0;
  return std::max(Ratio(maps.done, maps.total),
                  view.input_bytes == 0 ? 0.0 : Ratio(view.mapped_bytes, view.input_bytes));
}

uint64_t WorkersNow(const JobView& view) {
  return view.workers_joined - std::min(view.workers_joined, view.workers_lost);
}

bool IsMapping(const JobView& view) {
  const Tasks maps = TasksOf(view, StageKind::kMap);
  return maps.done < maps.total;
}

std::string StateText(const JobView& view) {
  if (view.state == JobState::kPublishing) return "publishing";
  if (view.ended()) return Name(view.state);
  return view.waiting_on.empty() ? "" : absl::StrCat("waiting for ", view.waiting_on);
}

std::string RemainingText(const JobView& view, uint64_t remaining_ms) {
  const bool more_to_come = IsMapping(view) && TasksOf(view, StageKind::kReduce).total > 0;
  return absl::StrCat("about ", DurationText(remaining_ms),
                      more_to_come ? " of map left" : " left");
}

struct Piece {
  std::string text;
  bool may_be_cut = false;  // words; a number that is cut would be another number
};

// What there is to say, the most important first.
std::vector<Piece> Pieces(const JobView& view, const ProgressRates& rates) {
  const Tasks maps = TasksOf(view, StageKind::kMap);
  const Tasks reduces = TasksOf(view, StageKind::kReduce);
  std::vector<Piece> pieces;
  pieces.push_back({absl::StrCat("map ", maps.done, "/", maps.total)});
  if (reduces.total > 0) {
    pieces.push_back({absl::StrCat("reduce ", reduces.done, "/", reduces.total)});
  }
  if (std::string state = StateText(view); !state.empty()) {
    pieces.push_back({std::move(state), /*may_be_cut=*/true});
  }
  pieces.push_back({absl::StrCat(BytesText(rates.bytes_per_second), "/s")});
  pieces.push_back({CountText(WorkersNow(view), "worker")});
  pieces.push_back({DurationText(view.wall_ms)});
  if (rates.remaining_ms.has_value() && !view.ended()) {
    pieces.push_back({RemainingText(view, *rates.remaining_ms)});
  }
  return pieces;
}

std::string Cells(double fraction) {
  const size_t full = static_cast<size_t>(fraction * kBarCells);
  return absl::StrCat("[", std::string(full, '#'), std::string(kBarCells - full, '-'), "]");
}

std::string Percentage(double fraction) {
  return absl::StrCat(static_cast<int>(fraction * 100), "%");
}

}  // namespace

double FractionDone(const JobView& view) {
  const Tasks reduces = TasksOf(view, StageKind::kReduce);
  if (reduces.total == 0) return MapFraction(view);
  return kMapShare * MapFraction(view) + (1 - kMapShare) * Ratio(reduces.done, reduces.total);
}

std::string BarLine(const JobView& view, const ProgressRates& rates, size_t columns) {
  const double done = FractionDone(view);
  std::string line = columns < kColumnsForCells ? Percentage(done) : Cells(done);
  const char* gap = " ";
  for (const Piece& piece : Pieces(view, rates)) {
    const bool fits = line.size() + strlen(gap) + piece.text.size() <= columns;
    if (fits || piece.may_be_cut) absl::StrAppend(&line, gap, piece.text);
    if (!fits) break;
    gap = kGap;
  }
  if (line.size() > columns) line.resize(columns);
  return line;
}

std::string PlainLine(const JobView& view, const ProgressRates& rates) {
  std::string line = ToString(view.job);
  for (const Piece& piece : Pieces(view, rates)) absl::StrAppend(&line, kGap, piece.text);
  return line;
}

ProgressReporter::ProgressReporter(ProgressMode mode, std::function<void(std::string_view)> write,
                                   std::function<size_t()> columns)
    : mode_(mode), write_(std::move(write)), columns_(std::move(columns)) {}

uint64_t ProgressReporter::period_ms() const {
  if (mode_ == ProgressMode::kBar) return kBarPeriodMs;
  return mode_ == ProgressMode::kNone ? 10 * kLinePeriodMs : kLinePeriodMs;
}

void ProgressReporter::Show(const JobView& view, uint64_t now_ms) {
  if (mode_ == ProgressMode::kNone) return;
  Observe(view, now_ms);
  const bool early = shown_ms_.has_value() && now_ms - *shown_ms_ < period_ms();
  const bool unchanged = mode_ != ProgressMode::kBar && view.version == shown_version_;
  if (early || (shown_ms_.has_value() && unchanged)) return;
  Print(view, now_ms);
}

void ProgressReporter::Note(std::string_view sentence) {
  if (mode_ == ProgressMode::kNone || mode_ == ProgressMode::kJson) return;
  Clear();
  write_(std::string(sentence) + "\n");
}

void ProgressReporter::Finish(const JobView& view, uint64_t now_ms) {
  if (mode_ == ProgressMode::kNone) return;
  Print(view, now_ms);
  if (bar_on_screen_) write_("\n");
  bar_on_screen_ = false;
}

void ProgressReporter::Print(const JobView& view, uint64_t now_ms) {
  const ProgressRates rates = Rates(view, now_ms);
  shown_ms_ = now_ms;
  shown_version_ = view.version;
  switch (mode_) {
    case ProgressMode::kBar:
      Clear();
      // One column stays free: a full line would wrap on some terminals.
      write_(BarLine(view, rates, std::max<size_t>(columns_(), 2) - 1));
      bar_on_screen_ = true;
      return;
    case ProgressMode::kPlain: write_(PlainLine(view, rates) + "\n"); return;
    case ProgressMode::kJson: write_(JobJson(view) + "\n"); return;
    case ProgressMode::kNone: return;
  }
}

void ProgressReporter::Observe(const JobView& view, uint64_t now_ms) {
  if (IsMapping(view)) return remaining_.Observe(StageKind::kMap, MapFraction(view), now_ms);
  const Tasks reduces = TasksOf(view, StageKind::kReduce);
  remaining_.Observe(StageKind::kReduce, Ratio(reduces.done, reduces.total), now_ms);
}

void ProgressReporter::Clear() {
  if (bar_on_screen_) write_("\r\033[K");
  bar_on_screen_ = false;
}

ProgressRates ProgressReporter::Rates(const JobView& view, uint64_t now_ms) {
  samples_.emplace_back(now_ms, view.mapped_bytes);
  while (samples_.size() > kSamplesMax || now_ms - samples_.front().first > kRateWindowMs) {
    samples_.pop_front();
  }
  ProgressRates rates;
  const auto [since_ms, before] = samples_.front();
  if (now_ms > since_ms && view.mapped_bytes > before) {
    rates.bytes_per_second = (view.mapped_bytes - before) * 1000 / (now_ms - since_ms);
  } else if (view.wall_ms > 0 && view.ended()) {
    rates.bytes_per_second = view.mapped_bytes * 1000 / view.wall_ms;
  }
  rates.remaining_ms = remaining_.ms();
  return rates;
}

}  // namespace millrace
