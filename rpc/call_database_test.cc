#include "rpc/call_database.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace millrace {
namespace {

constexpr char kLedger[] = "CREATE TABLE ledger (entry TEXT);";
constexpr ClientId kAnn = {~0ull, 1};
constexpr ClientId kBob = {2, ~0ull};

// Writes its request into the ledger, and refuses if that begins with '!'.
absl::StatusOr<CallReply> WriteDown(sqlite3& database, const CallHeader&,
                                    const std::string& request) {
  const std::string sql = "INSERT INTO ledger VALUES ('" + request + "')";
  EXPECT_EQ(sqlite3_exec(&database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  if (request[0] == '!') return CallReply::Refused("no " + request);
  return CallReply::Done(std::string("ok\0", 3) + request);
}

class CallDatabaseTest : public testing::Test {
 protected:
  CallDatabaseTest() {
    Remove();
    Open();
  }
  ~CallDatabaseTest() override { Remove(); }

  void Remove() {
    for (const char* end : {"", "-wal", "-journal"}) unlink((path_ + end).c_str());
  }

  // As when a process that was killed starts again, too: what was not committed is gone.
  void Open() {
    database_ = nullptr;
    auto opened = CallDatabase::Open(path_, kLedger);
    ASSERT_TRUE(opened.ok()) << opened.status();
    database_ = *std::move(opened);
  }

  void Begin() { ASSERT_TRUE(database_->Begin().ok()); }
  void Commit() { ASSERT_TRUE(database_->Commit().ok()); }
  void Keep(const ClientId& client, uint64_t session) {
    ASSERT_TRUE(database_->Keep(client, session).ok());
  }
  absl::StatusOr<CallReply> Call(const ClientId& client, uint64_t sequence,
                                 const std::string& request, uint64_t seen = 0) {
    return database_->ExecuteOnce({client, 0, sequence, seen}, request, WriteDown);
  }

  // "SESSION/SEEN: SEQUENCE=BYTES ..." for each client.
  std::vector<std::string> Clients() {
    std::vector<std::string> all;
    auto clients = database_->ReadClients();
    EXPECT_TRUE(clients.ok()) << clients.status();
    for (const ClientRecord& client : *clients) {
      std::string text = std::to_string(client.session) + "/" + std::to_string(client.seen_up_to);
      for (const ClientRecord::Reply& reply : client.replies) {
        text += " " + std::to_string(reply.sequence) + (reply.reply.refused ? "!" : "=") +
                reply.reply.bytes.substr(3);
      }
      all.push_back(text);
    }
    return all;
  }

  // What the service has written.
  std::string Ledger() {
    std::string all;
    auto read = [&](sqlite3& database, const CallHeader&,
                    const std::string&) -> absl::StatusOr<CallReply> {
      const auto add = [](void* text, int, char** values, char**) {
        *static_cast<std::string*>(text) += std::string(values[0]) + ";";
        return 0;
      };
      sqlite3_exec(&database, "SELECT entry FROM ledger ORDER BY rowid", add, &all, nullptr);
      return CallReply();
    };
    EXPECT_TRUE(database_->Execute({}, "", read).ok());
    return all;
  }

  const std::string path_ = testing::TempDir() + "/calls." + std::to_string(getpid()) + ".sqlite";
  std::unique_ptr<CallDatabase> database_;
};

using Texts = std::vector<std::string>;

TEST_F(CallDatabaseTest, EffectsAndRepliesOutliveTheProcess) {
  Begin();
  Keep(kAnn, 7);
  Keep(kBob, 8);
  EXPECT_EQ(Call(kAnn, 1, "one")->bytes, std::string("ok\0one", 6));
  EXPECT_TRUE(Call(kBob, 1, "two").ok());
  Commit();
  Open();
  EXPECT_EQ(Ledger(), "one;two;");
  EXPECT_EQ(Clients(), (Texts{"7/0 1=one", "8/0 1=two"}));
}

TEST_F(CallDatabaseTest, WhatWasNotCommittedHasNotHappened) {
  Begin();
  Keep(kAnn, 7);
  Commit();
  Begin();
  EXPECT_TRUE(Call(kAnn, 1, "one").ok());
  Open();
  EXPECT_EQ(Ledger(), "");
  EXPECT_EQ(Clients(), Texts{"7/0"});
}

TEST_F(CallDatabaseTest, OfARefusedCallOnlyTheRefusalIsKept) {
  Begin();
  Keep(kAnn, 7);
  EXPECT_TRUE(Call(kAnn, 1, "one").ok());
  EXPECT_EQ(*Call(kAnn, 2, "!two"), CallReply::Refused("no !two"));
  EXPECT_TRUE(Call(kAnn, 3, "three").ok());
  Commit();
  EXPECT_EQ(Ledger(), "one;three;");
  EXPECT_EQ(Clients(), Texts{"7/0 1=one 2!!two 3=three"});
}

TEST_F(CallDatabaseTest, RepliesThatWereSeenGo) {
  Begin();
  Keep(kAnn, 7);
  for (uint64_t call : {1, 2, 3}) EXPECT_TRUE(Call(kAnn, call, "x").ok());
  EXPECT_TRUE(Call(kAnn, 4, "four", /*seen=*/2).ok());
  Commit();
  EXPECT_EQ(Clients(), Texts{"7/2 3=x 4=four"});
}

TEST_F(CallDatabaseTest, AnOldClaimTakesNothingBack) {
  Begin();
  Keep(kAnn, 7);
  EXPECT_TRUE(Call(kAnn, 5, "five", /*seen=*/4).ok());
  EXPECT_TRUE(Call(kAnn, 6, "six", /*seen=*/2).ok());
  Commit();
  EXPECT_EQ(Clients(), Texts{"7/4 5=five 6=six"});
}

TEST_F(CallDatabaseTest, AClientThatIsForgottenLeavesNothing) {
  Begin();
  Keep(kAnn, 7);
  EXPECT_TRUE(Call(kAnn, 1, "one").ok());
  EXPECT_TRUE(database_->Forget(kAnn).ok());
  Keep(kAnn, 9);
  Commit();
  EXPECT_EQ(Clients(), Texts{"9/0"});
}

TEST_F(CallDatabaseTest, ASessionThatIsKeptStaysWhatItIs) {
  Begin();
  Keep(kAnn, 7);
  EXPECT_TRUE(Call(kAnn, 2, "two", /*seen=*/1).ok());
  Keep(kAnn, 7);
  Commit();
  EXPECT_EQ(Clients(), Texts{"7/1 2=two"});
}

TEST_F(CallDatabaseTest, TheSameCallTwiceIsABugThatTheFileFinds) {
  Begin();
  Keep(kAnn, 7);
  EXPECT_TRUE(Call(kAnn, 1, "one").ok());
  EXPECT_FALSE(Call(kAnn, 1, "one").ok());
}

TEST_F(CallDatabaseTest, ACallOfAClientThatIsNotKeptIsABug) {
  Begin();
  EXPECT_FALSE(Call(kAnn, 1, "one").ok());
}

TEST_F(CallDatabaseTest, TwoServersCannotHaveOne) {
  const auto second = CallDatabase::Open(path_, kLedger);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition) << second.status();
}

TEST_F(CallDatabaseTest, AFileOfSomethingElseIsLeftAlone) {
  database_ = nullptr;
  Remove();
  std::ofstream(path_) << std::string(5000, 'x');
  EXPECT_EQ(CallDatabase::Open(path_, kLedger).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(CallDatabaseTest, ADatabaseOfSomethingElseIsLeftAlone) {
  database_ = nullptr;
  Remove();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "CREATE TABLE theirs (x)", nullptr, nullptr, nullptr), SQLITE_OK);
  const absl::Status status = CallDatabase::Open(path_, kLedger).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_NE(status.message().find(path_), std::string::npos) << status;
  EXPECT_NE(sqlite3_exec(other, "SELECT * FROM ledger", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
}

TEST_F(CallDatabaseTest, AFolderThatIsNotThereIsNamed) {
  const auto opened = CallDatabase::Open("/no/such/folder/calls", kLedger);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_NE(opened.status().message().find("/no/such/folder/calls"), std::string::npos);
}

}  // namespace
}  // namespace millrace
