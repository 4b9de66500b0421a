// Where one buddy stands in the song: whether it sings when it is called, and what it does next.
//
// A deterministic state machine: no I/O, no clock, no promises. The buddy that sang verse k hands
// verse k-1 to its next one, and answers for it until the song has come past: when the next one is
// dead, the song goes on with the one after it.
//
// What it promises, whatever is lost, repeated or delayed: no verse is sung twice, and none after a
// lower one. Three rules are all there is to it:
//
//   1. A verse is its own number for duplicates: whoever has sung a lower one than the caller knows
//      of does not sing again (`since`).
//   2. A buddy is given up only when it is certain that its process has ended: its host says that
//      nobody listens, or another process has taken its place. Silence proves nothing; a silent
//      buddy is waited for.
//   3. A verse that a dead buddy may have sung is not sung again. It is lost if the buddy died
//      between hearing of it and singing it, and that is said. Nor is one sung by a buddy that may
//      have sung it in an earlier life: then the song ends.
#ifndef MILLRACE_APPS_BOTTLES_RING_STATE_H_
#define MILLRACE_APPS_BOTTLES_RING_STATE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"

namespace millrace {

// So many dead neighbours in a row can be passed over.
constexpr size_t kMaxSuccessors = 16;

// What a buddy says of itself.
struct Card {
  uint64_t id = 0;                      // of this life of the buddy
  std::vector<std::string> successors;  // who comes after it, nearest first, as far as it knows
  absl::Duration age;                   // for how long this life has lasted
  bool has_sung = false;                // in this life
};

// --- What to do next; each waits for how it went, or for a call that changes everything ---

struct Rest {};  // the song has not come here yet
struct Meet {    // connect, and ask for the card
  std::string buddy;
};
struct Hand {  // tell the buddy just met to sing
  uint32_t verse = 0;
  uint32_t since = 0;  // the lowest verse that is known to be sung
};
struct Watch {};     // until the connection with the buddy just met is lost
struct TellEnd {};   // tell the buddy just met that the song is over
struct AwaitEnd {};  // nobody is left to be told; the news may still come round
struct Leave {
  std::string problem;  // empty: the song is over
};

using Step = std::variant<Rest, Meet, Hand, Watch, TellEnd, AwaitEnd, Leave>;

// Why a buddy could not be met.
struct Unreached {
  bool nobody_listens = false;  // its host says so; else it is silent, or out of reach
  bool patience_over = false;
  std::string reason;
};

class RingState {
 public:
  struct Options {
    uint64_t id = 0;
    std::string next;  // HOST:PORT
    bool skip_dead = false;
    absl::Time born;  // of the clock that calls are stamped with
  };

  explicit RingState(const Options& options);

  // --- Calls ---

  // This buddy begins the song with verse `bottles`; 0: with the ending.
  void Start(uint32_t bottles, absl::Time now);
  // Whether to sing the verse now. Needs 0 < verse < since.
  bool OnSing(uint32_t verse, uint32_t since, absl::Time now);
  void OnEndHeard();

  Card card(absl::Time now) const {
    return {options_.id, candidates_, now - options_.born, verses_sung_ > 0};
  }
  // The lowest verse that this buddy has sung.
  uint32_t lowest() const { return lowest_; }
  bool is_over() const { return over_; }

  // --- The work ---

  Step next_step() const;

  void OnMet(const Card& card, absl::Time now);
  void OnUnreached(const Unreached& unreached);
  // The buddy has sung the verse, or a lower one before; `lowest` is its lowest. An answer that
  // comes when another verse is to be handed on changes nothing.
  void OnHanded(uint32_t verse, uint32_t lowest, const Card& card);
  // The connection is lost; nothing was under way on it.
  void OnLinkLost();
  // It was lost, or nothing came back, when the buddy had been told to sing.
  void OnHandLost(uint32_t verse);
  void OnEndTold();
  // The news has not come round, and nobody is left who could bring it.
  void OnEndAwaited() { came_round_ = true; }

  // What a person wants to know of, since the last time.
  std::vector<std::string> TakeNews();

 private:
  const std::string& next() const { return candidates_.front(); }
  void Learn(const Card& card);
  void GiveUp(const std::string& reason);
  void PassOver(const std::string& reason);
  void End(bool began_here);

  const Options options_;
  std::vector<std::string> candidates_;  // the next one, then who comes after it
  std::optional<uint64_t> next_id_;      // of the next one, once it was met
  bool linked_ = false;
  bool said_that_we_wait_ = false;

  uint32_t lowest_ = UINT32_MAX;
  uint32_t verses_sung_ = 0;
  absl::Time sang_at_;             // the last of them
  uint32_t known_ = UINT32_MAX;    // the lowest verse that is known to be sung, by whomever
  std::optional<uint32_t> offer_;  // what the next one is to sing
  bool may_be_sung_ = false;       // the next one may have sung the offer already
  bool answers_for_next_ = false;  // the next one has sung, and may hold the song

  bool over_ = false;
  bool began_end_ = false;  // the news of the end began here, and must come round
  bool told_end_ = false;   // the next one has taken the news, or nobody is left to take it
  bool was_heard_ = false;  // somebody has
  bool came_round_ = false;
  std::string problem_;
  std::vector<std::string> news_;
};

}  // namespace millrace

#endif  // MILLRACE_APPS_BOTTLES_RING_STATE_H_
