// How far a job is, shown to a person or a program on standard error.
//
//   bar    one line that is drawn again: map ######---- 12/16  reduce 0/4 ...
//   plain  a line when something changed, at most once a second
//   json   one JSON object a line (rpc/view_json.h), at most once a second
//   none   silence
//
// Lines are pure functions of a view; ProgressReporter only decides when to show one. The caller
// owns the clock and the terminal. One thread.
#ifndef MILLRACE_CLIENT_PROGRESS_H_
#define MILLRACE_CLIENT_PROGRESS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client/remaining_time.h"
#include "rpc/job_views.h"

namespace millrace {

enum class ProgressMode : uint8_t { kBar, kPlain, kJson, kNone };

// What the view itself does not say.
struct ProgressRates {
  uint64_t bytes_per_second = 0;         // of input, lately
  std::optional<uint64_t> remaining_ms;  // of the stage that runs
};

// One line without a line end. The bar's has at most `columns` columns: numbers that do not fit are
// left out, words are cut.
std::string BarLine(const JobView& view, const ProgressRates& rates, size_t columns);
std::string PlainLine(const JobView& view, const ProgressRates& rates);

// How much of the bar is full, between 0 and 1; never says how long the rest takes.
double FractionDone(const JobView& view);

class ProgressReporter {
 public:
  // `write` shows text as it is; `columns` is asked before each bar.
  ProgressReporter(ProgressMode mode, std::function<void(std::string_view)> write,
                   std::function<size_t()> columns);

  // Shows `view` if it is time; `now_ms` comes from a monotonic clock.
  void Show(const JobView& view, uint64_t now_ms);

  // Shows a sentence of its own line, whatever is on the screen: "waiting for the master ...".
  void Note(std::string_view sentence);

  // Takes the bar off the screen, for a message of somebody else.
  void Clear();

  // Shows the last state and leaves the cursor at the beginning of a fresh line.
  void Finish(const JobView& view, uint64_t now_ms);

  // How often a view is worth fetching when nothing changes.
  uint64_t period_ms() const;

 private:
  void Observe(const JobView& view, uint64_t now_ms);
  void Print(const JobView& view, uint64_t now_ms);
  ProgressRates Rates(const JobView& view, uint64_t now_ms);

  const ProgressMode mode_;
  const std::function<void(std::string_view)> write_;
  const std::function<size_t()> columns_;
  std::optional<uint64_t> shown_ms_;  // when the last line was shown
  uint64_t shown_version_ = 0;
  std::string shown_;  // the last plain line without its times
  bool bar_on_screen_ = false;
  std::deque<std::pair<uint64_t, uint64_t>> samples_;  // (now_ms, mapped bytes) of late, bounded
  RemainingTime remaining_;
};

}  // namespace millrace

#endif  // MILLRACE_CLIENT_PROGRESS_H_
