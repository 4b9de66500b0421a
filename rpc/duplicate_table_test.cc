#include "rpc/duplicate_table.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using Verdict = DuplicateTable::Verdict;

constexpr ClientId kAnn = {0, 1};
constexpr ClientId kBob = {0, 2};
constexpr uint64_t kLease = 60'000;

class DuplicateTableTest : public testing::Test {
 protected:
  // What the table says to a call of a client that has seen all replies up to `seen`.
  Verdict Call(const ClientId& client, uint64_t sequence, uint64_t seen = 0) {
    return table_.Admit(Header(client, sequence, seen), now_).verdict;
  }
  void Finish(const ClientId& client, uint64_t sequence, const std::string& reply) {
    table_.Finish(Header(client, sequence, 0), CallReply::Done(reply), now_);
  }
  // The reply that a copy of the call gets, "" if none.
  std::string ReplyTo(const ClientId& client, uint64_t sequence) {
    const DuplicateTable::Answer answer = table_.Admit(Header(client, sequence, 0), now_);
    return answer.verdict == Verdict::kReply ? answer.reply->bytes : "";
  }
  CallHeader Header(const ClientId& client, uint64_t sequence, uint64_t seen) {
    return {client, sessions_[client], sequence, seen};
  }
  void Open(const ClientId& client) { sessions_[client] = table_.Open(client, now_); }

  DuplicateTableOptions options_ = {.lease_ms = kLease, .max_unseen_per_client = 3};
  DuplicateTable table_{options_};
  std::map<ClientId, uint64_t> sessions_;
  uint64_t now_ = 1'000'000;
};

TEST_F(DuplicateTableTest, ACallIsExecutedOnceAndItsCopiesGetTheReply) {
  Open(kAnn);
  EXPECT_EQ(Call(kAnn, 1), Verdict::kExecute);
  EXPECT_EQ(Call(kAnn, 1), Verdict::kWait);
  Finish(kAnn, 1, "ninety");
  EXPECT_EQ(ReplyTo(kAnn, 1), "ninety");
  EXPECT_EQ(ReplyTo(kAnn, 1), "ninety");
}

TEST_F(DuplicateTableTest, ARefusalIsKeptLikeAnyOtherReply) {
  Open(kAnn);
  Call(kAnn, 1);
  table_.Finish(Header(kAnn, 1, 0), CallReply::Refused("no money"), now_);
  const DuplicateTable::Answer answer = table_.Admit(Header(kAnn, 1, 0), now_);
  ASSERT_EQ(answer.verdict, Verdict::kReply);
  EXPECT_EQ(*answer.reply, CallReply::Refused("no money"));
}

TEST_F(DuplicateTableTest, ClientsDoNotMix) {
  Open(kAnn);
  Open(kBob);
  Call(kAnn, 1);
  Finish(kAnn, 1, "for Ann");
  EXPECT_EQ(Call(kBob, 1), Verdict::kExecute);
}

TEST_F(DuplicateTableTest, WhatTheClientHasSeenIsForgottenAndALateCopyIsStale) {
  Open(kAnn);
  Call(kAnn, 1);
  Finish(kAnn, 1, "one");
  EXPECT_EQ(table_.replies(), 1u);
  EXPECT_EQ(Call(kAnn, 2, /*seen=*/1), Verdict::kExecute);
  EXPECT_EQ(table_.replies(), 0u);
  EXPECT_EQ(Call(kAnn, 1), Verdict::kStale);
}

TEST_F(DuplicateTableTest, ACallThatNeverCameIsStaleToo) {
  Open(kAnn);
  Call(kAnn, 5, /*seen=*/4);
  EXPECT_EQ(Call(kAnn, 3), Verdict::kStale);
  EXPECT_EQ(Call(kAnn, 0), Verdict::kStale);
}

TEST_F(DuplicateTableTest, ACallThatItsClientHasGivenUpRunsToItsEndAndLeavesNothing) {
  Open(kAnn);
  Call(kAnn, 1);
  EXPECT_EQ(Call(kAnn, 2, /*seen=*/1), Verdict::kExecute);
  EXPECT_EQ(Call(kAnn, 1), Verdict::kStale);
  Finish(kAnn, 1, "nobody waits for it");
  Finish(kAnn, 2, "two");
  EXPECT_EQ(table_.replies(), 1u);
  EXPECT_EQ(table_.running(), 0u);
}

TEST_F(DuplicateTableTest, RepliesMayBeSeenInAnyOrder) {
  Open(kAnn);
  for (uint64_t call : {3, 1, 2}) EXPECT_EQ(Call(kAnn, call), Verdict::kExecute);
  for (uint64_t call : {2, 3, 1}) Finish(kAnn, call, std::to_string(call));
  EXPECT_EQ(ReplyTo(kAnn, 2), "2");
  EXPECT_EQ(Call(kAnn, 4, /*seen=*/2), Verdict::kExecute);
  EXPECT_EQ(ReplyTo(kAnn, 3), "3");
}

TEST_F(DuplicateTableTest, AClientThatWasSilentForLongerThanItsLeaseIsToldSo) {
  Open(kAnn);
  Call(kAnn, 1);
  Finish(kAnn, 1, "one");
  now_ += kLease;
  EXPECT_EQ(ReplyTo(kAnn, 1), "one");
  now_ += kLease + 1;
  EXPECT_EQ(Call(kAnn, 1), Verdict::kExpired);
  EXPECT_EQ(table_.TakeForgotten(), std::vector<ClientId>{kAnn});
  EXPECT_EQ(table_.clients(), 0u);
}

TEST_F(DuplicateTableTest, AnEarlierSessionStaysExpiredWhenItsClientHasANewOne) {
  Open(kAnn);
  const uint64_t first = sessions_[kAnn];
  now_ += kLease + 1;
  Open(kAnn);
  EXPECT_NE(sessions_[kAnn], first);
  EXPECT_EQ(table_.Admit({kAnn, first, 1, 0}, now_).verdict, Verdict::kExpired);
  EXPECT_EQ(Call(kAnn, 1), Verdict::kExecute);
}

TEST_F(DuplicateTableTest, OpeningTwiceGivesTheSameSession) {
  Open(kAnn);
  const uint64_t first = sessions_[kAnn];
  Open(kAnn);
  EXPECT_EQ(sessions_[kAnn], first);
}

TEST_F(DuplicateTableTest, AClientThatNobodyKnowsHasExpired) {
  EXPECT_EQ(table_.Admit({kAnn, 7, 1, 0}, now_).verdict, Verdict::kExpired);
}

TEST_F(DuplicateTableTest, AClientWithACallUnderWayIsNeverForgotten) {
  Open(kAnn);
  Open(kBob);
  Call(kAnn, 1);
  now_ += 10 * kLease;
  Open(kBob);  // whoever comes by sweeps
  EXPECT_EQ(Call(kAnn, 1), Verdict::kWait);
  Finish(kAnn, 1, "at last");
  now_ += kLease;
  EXPECT_EQ(ReplyTo(kAnn, 1), "at last");
}

TEST_F(DuplicateTableTest, ThoseWhoAreSilentAreForgottenAsOthersCome) {
  for (uint64_t i = 10; i < 110; ++i) Open({0, i});
  now_ += kLease + 1;
  Open(kAnn);
  for (uint64_t call = 1; call <= 20; ++call) {
    Call(kAnn, call, call - 1);
    Finish(kAnn, call, "");
  }
  EXPECT_EQ(table_.clients(), 1u);
  EXPECT_EQ(table_.TakeForgotten().size(), 100u);
}

TEST_F(DuplicateTableTest, WhoIsSilentHasExpiredAlsoWhileOthersWaitToBeForgotten) {
  for (uint64_t i = 10; i < 110; ++i) Open({0, i});
  now_ += kLease + 1;
  EXPECT_EQ(Call({0, 109}, 1), Verdict::kExpired);
  EXPECT_GT(table_.clients(), 50u);  // they are still there
}

TEST_F(DuplicateTableTest, WhoIsSilentGetsANewSessionAlsoWhileOthersWaitToBeForgotten) {
  for (uint64_t i = 10; i < 110; ++i) Open({0, i});
  const uint64_t first = sessions_[{0, 109}];
  now_ += kLease + 1;
  Open({0, 109});
  EXPECT_GT(table_.clients(), 50u);  // they are still there
  EXPECT_NE((sessions_[{0, 109}]), first);
  EXPECT_EQ(table_.Admit({{0, 109}, first, 1, 0}, now_).verdict, Verdict::kExpired);
  EXPECT_EQ(Call({0, 109}, 1), Verdict::kExecute);
}

// A database would store them as less than nothing.
TEST_F(DuplicateTableTest, NumbersThatNoClientReachesAreNeverExecuted) {
  Open(kAnn);
  const uint64_t last = INT64_MAX;
  EXPECT_EQ(Call(kAnn, UINT64_MAX), Verdict::kStale);
  EXPECT_EQ(Call(kAnn, last + 1), Verdict::kStale);
  EXPECT_EQ(Call(kAnn, last), Verdict::kExecute);
  EXPECT_EQ(Call(kAnn, last, /*seen=*/UINT64_MAX), Verdict::kStale);
}

TEST_F(DuplicateTableTest, OfAClientThatSeesNothingOnlySoMuchIsKept) {
  Open(kAnn);
  for (uint64_t call : {1, 2, 3}) {
    Call(kAnn, call);
    Finish(kAnn, call, "");
  }
  EXPECT_EQ(Call(kAnn, 4), Verdict::kTooMany);
  EXPECT_EQ(Call(kAnn, 4, /*seen=*/1), Verdict::kExecute);
}

TEST_F(DuplicateTableTest, RepliesAndClientsAreBoundedInAll) {
  options_.max_reply_bytes = 10;
  options_.max_clients = 1;
  DuplicateTable table(options_);
  const uint64_t session = table.Open(kAnn, now_);
  EXPECT_EQ(table.Open(kBob, now_), 0u);
  table.Admit({kAnn, session, 1, 0}, now_);
  table.Finish({kAnn, session, 1, 0}, CallReply::Done("ten bytes."), now_);
  EXPECT_EQ(table.Admit({kAnn, session, 2, 0}, now_).verdict, Verdict::kTooMany);
  EXPECT_EQ(table.Admit({kAnn, session, 2, 1}, now_).verdict, Verdict::kExecute);
}

TEST_F(DuplicateTableTest, RepliesWithoutBytesAreBoundedInAllToo) {
  options_.max_reply_bytes = 1000;
  DuplicateTable table(options_);
  size_t kept = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    const CallHeader header = {{1, i}, table.Open({1, i}, now_), 1, 0};
    if (table.Admit(header, now_).verdict != Verdict::kExecute) continue;
    table.Finish(header, CallReply::Done(""), now_);
    ++kept;
  }
  EXPECT_EQ(table.replies(), kept);
  EXPECT_GT(kept, 0u);
  EXPECT_LT(kept, 50u);
}

TEST_F(DuplicateTableTest, CallsUnderWayAreBoundedInAll) {
  options_.max_running = 1;
  DuplicateTable table(options_);
  const uint64_t ann = table.Open(kAnn, now_);
  const uint64_t bob = table.Open(kBob, now_);
  EXPECT_EQ(table.Admit({kAnn, ann, 1, 0}, now_).verdict, Verdict::kExecute);
  EXPECT_EQ(table.Admit({kBob, bob, 1, 0}, now_).verdict, Verdict::kTooMany);
  table.Finish({kAnn, ann, 1, 0}, CallReply::Done(""), now_);
  EXPECT_EQ(table.Admit({kBob, bob, 1, 0}, now_).verdict, Verdict::kExecute);
}

TEST_F(DuplicateTableTest, WhatAnEarlierTableKnewIsTakenBack) {
  table_.Restore({kAnn, 77, 4, {{6, CallReply::Done("six")}}}, now_);
  sessions_[kAnn] = 77;
  EXPECT_EQ(Call(kAnn, 4), Verdict::kStale);
  EXPECT_EQ(Call(kAnn, 5), Verdict::kExecute);
  EXPECT_EQ(ReplyTo(kAnn, 6), "six");
}

// A hundred clients with up to ten calls at a time: of a million calls nothing remains but what
// they have not seen.
TEST_F(DuplicateTableTest, AfterAMillionCallsItHoldsWhatIsOutstanding) {
  constexpr uint64_t kClients = 100, kCalls = 10'000, kWindow = 10;
  options_.max_unseen_per_client = kWindow;
  DuplicateTable table(options_);
  size_t most = 0;
  for (uint64_t i = 0; i < kClients; ++i) {
    const ClientId client = {1, i};
    const uint64_t session = table.Open(client, now_);
    for (uint64_t call = 1; call <= kCalls; ++call) {
      const CallHeader header = {client, session, call, call <= kWindow ? 0 : call - kWindow};
      ASSERT_EQ(table.Admit(header, now_).verdict, Verdict::kExecute);
      table.Finish(header, CallReply::Done("reply"), now_);
      most = std::max(most, table.replies());
    }
  }
  EXPECT_EQ(most, kClients * kWindow);
  EXPECT_EQ(table.running(), 0u);
}

size_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Each has made one call and has not said that it has seen the reply, as a client does that makes
// one call at a time.
TEST_F(DuplicateTableTest, AnIdleClientWithItsLastReplyTakesAtMost200Bytes) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer's memory is not what is measured";
#endif
  constexpr uint64_t kClients = 100'000;
  const size_t before = HeapBytes();
  DuplicateTable table(options_);
  for (uint64_t i = 0; i < kClients; ++i) {
    const CallHeader header = {{i, ~i}, table.Open({i, ~i}, now_), 1, 0};
    ASSERT_EQ(table.Admit(header, now_).verdict, Verdict::kExecute);
    table.Finish(header, CallReply::Done("fifteen bytes.."), now_);
  }
  const size_t bytes = (HeapBytes() - before) / kClients;
  EXPECT_GT(bytes, 50u) << "nothing was measured";
  EXPECT_LE(bytes, 200u);
}

// --- Whatever happens, it says what a table says that forgets nothing before its time ---

class NaiveTable {
 public:
  uint64_t Open(uint64_t client, uint64_t now) {
    Sweep(now);
    Client& known = clients_[client];
    if (known.session == 0) known.session = ++sessions_;
    known.heard = now;
    return known.session;
  }

  Verdict Admit(uint64_t id, uint64_t session, uint64_t sequence, uint64_t seen, uint64_t now) {
    Sweep(now);
    if (clients_.count(id) == 0 || clients_[id].session != session) return Verdict::kExpired;
    Client& client = clients_[id];
    client.heard = now;
    client.seen = std::max(client.seen, seen);
    if (sequence <= client.seen) return Verdict::kStale;
    if (client.done.count(sequence) != 0) return Verdict::kReply;
    if (client.running.count(sequence) != 0) return Verdict::kWait;
    if (Unseen(client) >= 3) return Verdict::kTooMany;
    client.running.insert({sequence, true});
    return Verdict::kExecute;
  }

  void Finish(uint64_t id, uint64_t sequence, const std::string& reply, uint64_t now) {
    clients_[id].running.erase(sequence);
    clients_[id].done[sequence] = reply;
    clients_[id].heard = now;
  }

  std::string Reply(uint64_t id, uint64_t sequence) { return clients_[id].done[sequence]; }
  // The calls that run now: (client, sequence).
  std::vector<std::pair<uint64_t, uint64_t>> Running() const {
    std::vector<std::pair<uint64_t, uint64_t>> all;
    for (const auto& [id, client] : clients_) {
      for (const auto& [sequence, unused] : client.running) all.push_back({id, sequence});
    }
    return all;
  }
  size_t Replies() const {
    size_t count = 0;
    for (const auto& [id, client] : clients_) count += Unseen(client) - client.running.size();
    return count;
  }
  size_t Clients() const { return clients_.size(); }

 private:
  struct Client {
    uint64_t session = 0;
    uint64_t seen = 0;
    uint64_t heard = 0;
    std::map<uint64_t, bool> running;
    std::map<uint64_t, std::string> done;  // all ever
  };

  static size_t Unseen(const Client& client) {
    size_t count = client.running.size();
    for (const auto& [sequence, reply] : client.done) count += sequence > client.seen;
    return count;
  }

  void Sweep(uint64_t now) {
    for (auto it = clients_.begin(); it != clients_.end();) {
      const bool silent = it->second.running.empty() && now - it->second.heard > kLease;
      it = silent ? clients_.erase(it) : std::next(it);
    }
  }

  std::map<uint64_t, Client> clients_;
  uint64_t sessions_ = 0;
};

RC_GTEST_PROP(DuplicateTableProperty, SaysWhatANaiveTableSays, ()) {
  DuplicateTable table({.lease_ms = kLease, .max_unseen_per_client = 3});
  NaiveTable model;
  uint64_t now = 0;
  std::map<uint64_t, uint64_t> session;
  const int steps = *rc::gen::inRange(0, 120);
  for (int step = 0; step < steps; ++step) {
    const uint64_t id = *rc::gen::inRange<uint64_t>(1, 4);
    const int what = *rc::gen::inRange(0, 10);
    const auto running = model.Running();
    if (what == 0) {
      now += *rc::gen::inRange<uint64_t>(0, kLease * 3 / 2);
    } else if (what == 1 || session[id] == 0) {
      session[id] = table.Open({0, id}, now);
      RC_ASSERT(session[id] == model.Open(id, now));
    } else if (what <= 4 && !running.empty()) {
      const auto [client, call] = running[*rc::gen::inRange<size_t>(0, running.size())];
      const std::string reply = std::to_string(step);
      table.Finish({{0, client}, 0, call, 0}, CallReply::Done(reply), now);
      model.Finish(client, call, reply, now);
    } else {
      const uint64_t call = *rc::gen::inRange<uint64_t>(0, 12);
      const uint64_t seen = *rc::gen::inRange<uint64_t>(0, 6);
      const auto answer = table.Admit({{0, id}, session[id], call, seen}, now);
      RC_ASSERT(answer.verdict == model.Admit(id, session[id], call, seen, now));
      if (answer.verdict == Verdict::kReply)
        RC_ASSERT(answer.reply->bytes == model.Reply(id, call));
    }
    RC_ASSERT(table.running() == model.Running().size());
    RC_ASSERT(table.replies() == model.Replies());
  }
}

}  // namespace
}  // namespace millrace
