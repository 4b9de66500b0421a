#include "apps/bottles/ring_state.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/reach_hint.h"

namespace millrace {

RingState::RingState(const Options& options) : options_(options), candidates_({options.next}) {}

// --- Calls ---

void RingState::Start(uint32_t bottles, absl::Time now) {
  lowest_ = known_ = bottles;
  ++verses_sung_;
  sang_at_ = now;
  if (bottles <= 1) return End(/*began_here=*/true);
  offer_ = bottles - 1;
}

bool RingState::OnSing(uint32_t verse, uint32_t since, absl::Time now) {
  if (over_ || lowest_ < since) return false;
  lowest_ = known_ = verse;
  ++verses_sung_;
  sang_at_ = now;
  may_be_sung_ = false;
  answers_for_next_ = false;
  offer_.reset();
  if (verse == 1) {
    End(/*began_here=*/true);
  } else {
    offer_ = verse - 1;
  }
  return true;
}

void RingState::OnEndHeard() {
  if (over_) {
    came_round_ = true;
  } else {
    End(/*began_here=*/false);
  }
}

void RingState::End(bool began_here) {
  over_ = true;
  began_end_ = began_here;
  offer_.reset();
}

// --- The work ---

Step RingState::next_step() const {
  if (!problem_.empty()) return Leave{problem_};
  if (began_end_ ? came_round_ && was_heard_ : told_end_) return Leave{};
  if (candidates_.empty()) return AwaitEnd{};
  if (!over_ && !offer_ && !answers_for_next_) return Rest{};
  if (!linked_) return Meet{next()};
  if (over_ && !told_end_) return TellEnd{};
  if (offer_) return Hand{*offer_, known_};
  return Watch{};
}

void RingState::OnMet(const Card& card, absl::Time now) {
  const bool another = next_id_.has_value() && *next_id_ != card.id;
  if (another && !over_ && (may_be_sung_ || answers_for_next_)) {
    return GiveUp("it was started again, and has forgotten where the song was");
  }
  // We were told of it by one that is dead, and that may have handed it the verse. Had it been
  // there since we sang ours, it would know.
  const bool may_have_forgotten =
      !next_id_.has_value() && !card.has_sung && now - card.age >= sang_at_;
  if (may_be_sung_ && !over_ && may_have_forgotten) {
    problem_ = absl::StrCat("buddy ", next(),
                            " was started when the song was near it: nobody knows whether verse ",
                            *offer_, " was sung there before, so the song cannot go on");
    return;
  }
  next_id_ = card.id;
  linked_ = true;
  said_that_we_wait_ = false;
  Learn(card);
}

void RingState::OnUnreached(const Unreached& unreached) {
  linked_ = false;
  // One that was there, or must have been because the song came through it, has ended; one that
  // never was may still be started. When the song is over, only our own next one is waited for: it
  // tells those after it.
  const bool was_there =
      next_id_.has_value() || verses_sung_ >= 2 || (over_ && next() != options_.next);
  if (unreached.nobody_listens && was_there) return GiveUp(unreached.reason);
  const bool has_to = over_ || offer_.has_value() || answers_for_next_;
  if (has_to && unreached.patience_over) {
    const bool others = options_.skip_dead && candidates_.size() > 1;
    if (over_ || (unreached.nobody_listens && others)) return GiveUp(unreached.reason);
    problem_ = absl::StrCat("cannot reach buddy ", next(), ": ", unreached.reason, "\n",
                            WhatToCheck(next()));
    return;
  }
  if (over_ && next() != options_.next) return;  // it has left, and others see to the news
  if (std::exchange(said_that_we_wait_, true)) return;
  news_.push_back(absl::StrCat("waiting for buddy ", next(), ": ", unreached.reason));
}

void RingState::OnHanded(uint32_t verse, uint32_t lowest, const Card& card) {
  if (offer_ != verse) return;
  known_ = std::min(known_, lowest);
  offer_.reset();
  may_be_sung_ = false;
  answers_for_next_ = true;
  Learn(card);
}

void RingState::OnLinkLost() { linked_ = false; }

void RingState::OnHandLost(uint32_t verse) {
  linked_ = false;
  if (offer_ == verse) may_be_sung_ = true;
}

void RingState::OnEndTold() { told_end_ = was_heard_ = true; }

std::vector<std::string> RingState::TakeNews() { return std::exchange(news_, {}); }

// --- Who comes next ---

// The ring ends where an address comes again.
void RingState::Learn(const Card& card) {
  candidates_.resize(1);
  for (const std::string& successor : card.successors) {
    const bool again =
        std::find(candidates_.begin(), candidates_.end(), successor) != candidates_.end();
    if (again || candidates_.size() > kMaxSuccessors) return;
    candidates_.push_back(successor);
  }
}

// The next one is dead for certain.
void RingState::GiveUp(const std::string& reason) {
  if (over_) {
    // It has heard of the end, most likely, and left. If not, the one after it must.
    candidates_.erase(candidates_.begin());
    linked_ = false;
    next_id_.reset();
    told_end_ = candidates_.empty();
    was_heard_ |= told_end_;
    return;
  }
  if (!options_.skip_dead) {
    problem_ = absl::StrCat("buddy ", next(), " is dead: ", reason,
                            "\n  with --skip_dead at every buddy the song goes round it");
  } else if (candidates_.size() == 1) {
    problem_ = absl::StrCat("buddy ", next(), " is dead: ", reason,
                            "\n  who comes after it is not known, so the song cannot go round it");
  } else {
    PassOver(reason);
  }
}

void RingState::PassOver(const std::string& reason) {
  const std::string dead = next();
  candidates_.erase(candidates_.begin());
  linked_ = false;
  next_id_.reset();
  said_that_we_wait_ = false;
  news_.push_back(
      absl::StrCat("buddy ", dead, " is dead: ", reason, "; the song goes round it, to ", next()));
  if (answers_for_next_) {
    // It sang `known_`, and may have handed on the verse after that.
    offer_ = known_ - 1;
    answers_for_next_ = false;
    may_be_sung_ = true;
  } else if (may_be_sung_) {
    news_.push_back(absl::StrCat("verse ", *offer_, " was with ", dead,
                                 " and may not have been sung; it is not repeated"));
    --*offer_;
  }
  if (*offer_ == 0) End(/*began_here=*/true);
}

}  // namespace millrace
