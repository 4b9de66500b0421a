// Who has won which task of one job, as the core's edits say, and whether they may: a task has one
// winner at a time, and what is lost is lost once.
#ifndef MILLRACE_TESTS_BENCH_WINNER_BOOK_H_
#define MILLRACE_TESTS_BENCH_WINNER_BOOK_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "master/core/edits.h"

namespace millrace {

class WinnerBook {
 public:
  WinnerBook(uint32_t maps, uint32_t reduces)
      : winners_{std::vector<Winner>(maps), std::vector<Winner>(reduces)},
        complete_at_{maps == 0} {}

  // `worker`: whose report led to the edit, if one did.
  void Saw(const JobEdit& edit, WorkerId worker) {
    if (const auto* done = std::get_if<TaskDone>(&edit)) On(*done, worker);
    if (const auto* lost = std::get_if<OutputLost>(&edit)) On(*lost);
  }

  struct Winner {
    AttemptId attempt;  // not set: none
    WorkerId worker;
  };
  const Winner& map(uint32_t index) const { return winners_[0][index]; }
  uint32_t maps_done() const { return done_[0]; }
  uint32_t reduces_done() const { return done_[1]; }
  bool MapsComplete() const { return done_[0] == winners_[0].size(); }
  bool ReducesComplete() const { return done_[1] == winners_[1].size(); }
  // Whether every map was done when the sources had this version.
  bool MapsCompleteAt(uint32_t version) const { return complete_at_[version]; }

  uint64_t outputs_lost() const { return outputs_lost_; }
  uint64_t maps_done_again() const { return done_again_; }
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  void On(const TaskDone& edit, WorkerId worker) {
    Winner& winner = winners_[edit.task.stage][edit.task.index];
    if (winner.attempt.is_set()) {
      complaints_.push_back(absl::StrCat("second winner: ", DebugString(JobEdit(edit))));
      return;
    }
    if (winner.worker.is_set()) ++done_again_;
    winner = Winner{edit.attempt, worker};
    ++done_[edit.task.stage];
    if (edit.task.stage == 0) complete_at_.push_back(MapsComplete());
  }

  void On(const OutputLost& edit) {
    if (!Holds(edit)) {
      complaints_.push_back(absl::StrCat("no such output: ", DebugString(JobEdit(edit))));
      return;
    }
    winners_[0][edit.task.index].attempt = AttemptId();
    ++outputs_lost_;
    --done_[0];
    complete_at_.push_back(false);
  }

  // The part of a reduce is no output that can be lost, and its index may be none of a map.
  bool Holds(const OutputLost& edit) const {
    return edit.task.stage == 0 && edit.task.index < winners_[0].size() &&
           winners_[0][edit.task.index].attempt == edit.attempt;
  }

  std::vector<Winner> winners_[2];  // by stage; of a lost output the worker stays
  uint32_t done_[2] = {0, 0};
  std::vector<bool> complete_at_;  // by version
  uint64_t outputs_lost_ = 0;
  uint64_t done_again_ = 0;
  std::vector<std::string> complaints_;
};

}  // namespace millrace

#endif  // MILLRACE_TESTS_BENCH_WINNER_BOOK_H_
