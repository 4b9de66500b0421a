#include "apps/bottles/buddy.h"

#include <kj/debug.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "apps/bottles/verse.h"
#include "rpc/address.h"
#include "rpc/deadline.h"
#include "rpc/pinger.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

// A buddy answers at once; one that does not has frozen, or is cut off.
constexpr kj::Duration kCallTimeout = 5 * kj::SECONDS;

// Of what others say of their age: ten thousand years.
constexpr uint64_t kAgeMaxMs = 315'000'000'000'000;

constexpr BackoffOptions kBackoff = {100 * kj::MILLISECONDS, 1 * kj::SECONDS};

void Write(const Card& card, capnp_bottles::Card::Builder to) {
  to.setId(card.id);
  auto successors = to.initSuccessors(static_cast<uint>(card.successors.size()));
  for (uint i = 0; i < successors.size(); ++i) successors.set(i, card.successors[i].c_str());
  to.setAgeMs(static_cast<uint64_t>(std::max<int64_t>(0, absl::ToInt64Milliseconds(card.age))));
  to.setHasSung(card.has_sung);
}

Card Read(capnp_bottles::Card::Reader from) {
  Card card;
  card.id = from.getId();
  card.age = absl::Milliseconds(std::min(from.getAgeMs(), kAgeMaxMs));
  card.has_sung = from.getHasSung();
  for (capnp::Text::Reader successor : from.getSuccessors()) {
    if (card.successors.size() > kMaxSuccessors) break;
    // Who comes after an address that nobody can dial is not known either.
    if (!ParseHostPort(successor.cStr(), PortZero::kRefused).ok()) break;
    card.successors.emplace_back(successor.cStr());
  }
  return card;
}

absl::Time TimeOf(const kj::Timer& timer) {
  return absl::UnixEpoch() +
         absl::Nanoseconds((timer.now() - kj::origin<kj::TimePoint>()) / kj::NANOSECONDS);
}

RingState::Options Born(RingState::Options options, absl::Time now) {
  options.born = now;
  return options;
}

kj::Exception NoBuddy(const std::string& address, const kj::Exception& why) {
  return ToException(absl::UnavailableError(absl::StrCat(
      "buddy ", address, " does not take part: ", ToStatus(why).message(), "; check --next")));
}

}  // namespace

// A connection with the next buddy, and whether it still holds.
class BuddyLink {
 public:
  BuddyLink(kj::Timer& timer, kj::Own<Connection> connection, const ConnectionOptions& options)
      : connection_(kj::mv(connection)),
        pinger_(timer, options.ping_period, options.ping_timeout, connection_->peer(),
                [this]() { return connection_->Ping(); }),
        lost_(connection_->OnDisconnect()
                  .exclusiveJoin(pinger_.Run())
                  .catch_([](kj::Exception&&) {})  // however it ended, it has ended
                  .fork()),
        watch_(lost_.addBranch().then([this]() { is_lost_ = true; }).eagerlyEvaluate(nullptr)) {}
  KJ_DISALLOW_COPY(BuddyLink);

  bool is_lost() const { return is_lost_; }
  kj::Promise<void> OnLost() { return lost_.addBranch(); }
  capnp_bottles::Buddy::Client buddy() {
    return connection_->Peer().castAs<capnp_bottles::Buddy>();
  }
  const std::string& address() const { return connection_->peer(); }

 private:
  kj::Own<Connection> connection_;
  Pinger pinger_;
  bool is_lost_ = false;
  kj::ForkedPromise<void> lost_;
  kj::Promise<void> watch_;
};

class Buddy::Server final : public ScopedServer<capnp_bottles::Buddy> {
 public:
  explicit Server(Buddy& buddy) : ScopedServer(buddy.calls_), buddy_(buddy) {}

  kj::Promise<void> meet(MeetContext context) override {
    Write(buddy_.state_.card(buddy_.Now()), context.getResults().initCard());
    return kj::READY_NOW;
  }

  kj::Promise<void> sing(SingContext context) override {
    const uint32_t verse = context.getParams().getVerse();
    const uint32_t since = context.getParams().getSince();
    KJ_REQUIRE(0 < verse && verse < since && since <= kMaxBottles, "no verse of this song", verse);
    if (buddy_.state_.OnSing(verse, since, buddy_.Now())) buddy_.Sing(verse);
    auto results = context.getResults();
    results.setLowest(buddy_.state_.lowest());
    Write(buddy_.state_.card(buddy_.Now()), results.initCard());
    return kj::READY_NOW;
  }

  kj::Promise<void> songIsOver(SongIsOverContext context) override {
    // A buddy whose next one is itself must not be kept from hearing its own answer.
    const size_t before = buddy_.state_.next_step().index();
    buddy_.state_.OnEndHeard();
    if (buddy_.state_.next_step().index() != before) buddy_.Changed();
    return kj::READY_NOW;
  }

 private:
  Buddy& buddy_;
};

Buddy::Buddy(kj::Timer& timer, kj::Network& network, const Options& options, Voice voice)
    : timer_(timer),
      network_(network),
      options_(options),
      voice_(std::move(voice)),
      state_(Born(options.ring, TimeOf(timer))),
      backoff_(kBackoff, options.ring.id),
      sought_since_(timer.now()),
      next_verse_at_(timer.now()) {}

Buddy::~Buddy() noexcept(false) = default;

capnp::Capability::Client Buddy::NewServer() { return kj::heap<Server>(*this); }

void Buddy::Start(uint32_t bottles) {
  state_.Start(bottles, Now());
  Sing(bottles);
}

void Buddy::Sing(uint32_t verse) {
  voice_.sing(verse);
  next_verse_at_ = timer_.now() + options_.beat;
  Changed();
}

absl::Time Buddy::Now() const { return TimeOf(timer_); }

// What was to be done is not any more.
void Buddy::Changed() {
  sought_.clear();
  backoff_.Reset();
  if (changed_.get() != nullptr) changed_->fulfill();
}

kj::Promise<void> Buddy::Run() {
  for (const std::string& news : state_.TakeNews()) voice_.report(news);
  const Step step = state_.next_step();
  if (const auto* leave = std::get_if<Leave>(&step)) return Perform(*leave);
  auto change = kj::newPromiseAndFulfiller<void>();
  changed_ = kj::mv(change.fulfiller);
  return std::visit([this](const auto& s) { return Perform(s); }, step)
      .exclusiveJoin(kj::mv(change.promise))
      // Whoever called us has its answer before we call anybody.
      .then([]() { return kj::evalLast([]() {}); })
      .then([this]() { return Run(); });  // the tail call: nothing may follow
}

// --- What there is to do ---

kj::Promise<void> Buddy::Perform(const Rest&) { return kj::NEVER_DONE; }

kj::Promise<void> Buddy::Perform(const Meet& meet) {
  link_ = nullptr;
  if (sought_ != meet.buddy) {
    sought_ = meet.buddy;
    sought_since_ = timer_.now();
  }
  return Dial(network_, timer_, meet.buddy, Role::kClient, options_.connection)
      .then([this](kj::Own<Connection> connection) {
        link_ = std::make_unique<BuddyLink>(timer_, kj::mv(connection), options_.connection);
        return AskForCard();
      })
      .then([this](Card card) {
        sought_.clear();
        state_.OnMet(card, Now());
      })
      .catch_([this, buddy = meet.buddy](kj::Exception&& e) { return TryAgainLater(buddy, e); });
}

kj::Promise<Card> Buddy::AskForCard() {
  auto answer = link_->buddy().meetRequest().send().then(
      [](auto&& response) { return Read(response.getCard()); });
  return WithDeadline(timer_, kCallTimeout, absl::StrCat("meeting ", link_->address()),
                      kj::mv(answer));
}

kj::Promise<void> Buddy::TryAgainLater(const std::string& buddy, const kj::Exception& failure) {
  const bool was_there = link_ != nullptr;
  link_ = nullptr;
  const bool is_version = failure.getType() == kj::Exception::Type::UNIMPLEMENTED && !was_there;
  if (is_version) return kj::cp(failure);
  if (!MayPass(failure)) return NoBuddy(buddy, failure);
  Unreached unreached;
  unreached.nobody_listens = NobodyListens(failure);
  unreached.patience_over = timer_.now() - sought_since_ >= options_.patience;
  unreached.reason = std::string(ToStatus(failure).message());
  state_.OnUnreached(unreached);

  const Step step = state_.next_step();
  const auto* again = std::get_if<Meet>(&step);
  if (again == nullptr || again->buddy != buddy) return kj::READY_NOW;
  return timer_.afterDelay(backoff_.Next());
}

kj::Promise<void> Buddy::Perform(const Hand& hand) {
  if (timer_.now() < next_verse_at_) return timer_.atTime(next_verse_at_);
  if (link_->is_lost()) {
    state_.OnLinkLost();
    return kj::READY_NOW;
  }
  auto request = link_->buddy().singRequest();
  request.setVerse(hand.verse);
  request.setSince(hand.since);
  auto answer = request.send().then([this, verse = hand.verse](auto&& response) {
    backoff_.Reset();
    state_.OnHanded(verse, response.getLowest(), Read(response.getCard()));
  });
  return WithDeadline(timer_, kCallTimeout, absl::StrCat("handing on to ", link_->address()),
                      kj::mv(answer))
      .catch_([this, verse = hand.verse](kj::Exception&& e) -> kj::Promise<void> {
        if (!MayPass(e)) return NoBuddy(link_->address(), e);
        state_.OnHandLost(verse);
        return timer_.afterDelay(backoff_.Next());
      });
}

kj::Promise<void> Buddy::Perform(const Watch&) {
  return link_->OnLost().then([this]() { state_.OnLinkLost(); });
}

kj::Promise<void> Buddy::Perform(const TellEnd&) {
  auto answer = link_->buddy().songIsOverRequest().send().ignoreResult();
  return WithDeadline(timer_, kCallTimeout, absl::StrCat("telling ", link_->address()),
                      kj::mv(answer))
      .then([this]() { state_.OnEndTold(); })
      .catch_([this](kj::Exception&& e) -> kj::Promise<void> {
        if (!MayPass(e)) return NoBuddy(link_->address(), e);
        state_.OnLinkLost();
        return timer_.afterDelay(backoff_.Next());
      });
}

kj::Promise<void> Buddy::Perform(const AwaitEnd&) {
  return timer_.afterDelay(options_.patience).then([this]() { state_.OnEndAwaited(); });
}

kj::Promise<void> Buddy::Perform(const Leave& leave) {
  if (leave.problem.empty()) return kj::READY_NOW;
  return ToException(absl::UnavailableError(leave.problem));
}

}  // namespace millrace
