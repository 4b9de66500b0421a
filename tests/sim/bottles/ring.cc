#include "tests/sim/bottles/ring.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace millrace::sim {
namespace {

constexpr char kPort[] = ":7000";
constexpr kj::Duration kLimit = 30 * kj::MINUTES;

kj::Own<kj::TaskSet> NewTaskSet(kj::TaskSet::ErrorHandler& handler) {
  return kj::heap<kj::TaskSet>(handler);
}

}  // namespace

// --- SimBuddy ---

SimBuddy::SimBuddy(Network& network, const std::string& host, Buddy::Options options,
                   std::optional<uint32_t> bottles, const Hearing& hearing)
    : life_(network.world(), host, /*clock_rate=*/1.0),
      random_(network.world().random().Fork()),
      interface_(network, life_, host),
      options_(std::move(options)),
      bottles_(bottles),
      hearing_(hearing),
      tasks_(NewTaskSet(*this)) {
  options_.ring.id = random_.Next();
  options_.connection.entropy = [this](uint8_t* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(random_.Next());
  };
  buddy_ = std::make_unique<Buddy>(life_.timer(), interface_, options_,
                                   Voice{hearing_.sing, hearing_.report});
  Listen(host + kPort);
}

SimBuddy::~SimBuddy() noexcept(false) {
  life_.Kill();
  tasks_ = nullptr;
}

void SimBuddy::Listen(const std::string& address) {
  auto listening =
      interface_.parseAddress(address.c_str(), 0).then([this](kj::Own<kj::NetworkAddress> parsed) {
        service_ = std::make_unique<ServiceHost>(life_.timer(), parsed->listen(),
                                                 options_.connection, [this](const PeerInfo&) {
                                                   ++guests_;
                                                   return buddy_->NewServer();
                                                 });
        tasks_->add(service_->Run());
        tasks_->add(TakePart());
      });
  tasks_->add(kj::mv(listening));
}

kj::Promise<void> SimBuddy::TakePart() {
  if (bottles_.has_value()) buddy_->Start(*bottles_);
  return buddy_->Run()
      .catch_([this](kj::Exception&& e) { problem_ = e.getDescription().cStr(); })
      .then([this]() {
        has_left_ = true;
        life_.Kill();
      });
}

void SimBuddy::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << life_.name() << ": " << kj::str(exception).cStr();
}

// --- SimRing ---

SimRing::SimRing(const Options& options)
    : options_(options),
      world_(options.seed, /*print_trace=*/false),
      network_(world_, NetworkOptions()),
      buddies_(options.buddies) {
  for (size_t i = 0; i < options.buddies; ++i) network_.AddHost(Host(i));
}

void SimRing::Start(size_t buddy, std::optional<uint32_t> bottles) {
  if (bottles.has_value()) bottles_ = bottles;
  Buddy::Options options;
  options.ring.next = Host((buddy + 1) % options_.buddies) + kPort;
  options.ring.skip_dead = options_.skip_dead;
  options.beat = options_.beat;
  options.patience = options_.patience;
  SimBuddy::Hearing hearing;
  hearing.sing = [this, buddy](uint32_t verse) {
    world_.Note(Host(buddy), absl::StrCat("sings ", verse));
    song_.push_back({verse, buddy});
  };
  hearing.report = [this, buddy](const std::string& news) {
    world_.Note(Host(buddy), news);
    news_.push_back(absl::StrCat(Host(buddy), ": ", news));
  };
  buddies_[buddy].push_back(
      std::make_unique<SimBuddy>(network_, Host(buddy), options, bottles, hearing));
  world_.Settle();
}

void SimRing::StartAll(uint32_t bottles) {
  for (size_t i = 0; i + 1 < options_.buddies; ++i) Start(i);
  Start(options_.buddies - 1, bottles);
}

void SimRing::Kill(size_t buddy) { buddies_[buddy].back()->life().Kill(); }

void SimRing::KillAfter(size_t buddy, uint64_t steps) {
  buddies_[buddy].back()->life().DieAfter(steps);
}

bool SimRing::RunUntil(const std::function<bool()>& done) { return world_.RunUntil(done, kLimit); }

bool SimRing::RunToEnd() {
  return RunUntil([this]() {
    for (const auto& lives : buddies_) {
      if (!lives.empty() && lives.back()->life().alive()) return false;
    }
    return true;
  });
}

size_t SimRing::dead() {
  size_t count = 0;
  for (size_t i = 0; i < buddies_.size(); ++i) count += WasKilled(i) ? 1 : 0;
  return count;
}

bool SimRing::WasKilled(size_t buddy) const {
  for (const auto& life : buddies_[buddy]) {
    if (!life->life().alive() && !life->has_left()) return true;
  }
  return false;
}

bool SimRing::IsLost(uint32_t verse) const {
  for (const std::string& news : news_) {
    if (absl::StrContains(news, absl::StrCat(" verse ", verse, " was with "))) return true;
  }
  return false;
}

std::string SimRing::WhatIsWrongWithTheOrder() const {
  uint32_t due = *bottles_;
  for (size_t i = 0; i < song_.size(); ++i) {
    const SungVerse& sung = song_[i];
    if (sung.verse > due) return absl::StrCat("verse ", sung.verse, " comes late or again");
    for (; due > sung.verse; --due) {
      if (!IsLost(due)) return absl::StrCat("verse ", due, " is missing, and nobody said so");
    }
    --due;
    if (i == 0) continue;
    for (size_t between = (song_[i - 1].buddy + 1) % buddies_.size(); between != sung.buddy;
         between = (between + 1) % buddies_.size()) {
      if (!WasKilled(between)) {
        return absl::StrCat("verse ", sung.verse, " was sung by ", Host(sung.buddy), ", not by ",
                            Host(between));
      }
    }
    if (sung.verse == 0) due = 0;
  }
  for (; due > 0 && due != UINT32_MAX; --due) {
    if (!IsLost(due)) return absl::StrCat("verse ", due, " was never sung, and nobody said so");
  }
  return "";
}

std::string SimRing::WhatIsWrong() {
  std::string order = WhatIsWrongWithTheOrder();
  if (!order.empty()) return order;
  for (size_t i = 0; i < buddies_.size(); ++i) {
    if (buddies_[i].empty() || WasKilled(i)) continue;
    if (!buddy(i).has_left()) return absl::StrCat(Host(i), " has not left");
    if (!buddy(i).problem().empty()) return absl::StrCat(Host(i), ": ", buddy(i).problem());
  }
  return "";
}

}  // namespace millrace::sim
