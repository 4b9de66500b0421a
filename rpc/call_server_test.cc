#include "rpc/call_server.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "rpc/call.capnp.h"
#include "rpc/call_fixture.h"

namespace millrace {
namespace {

using Client = capnp_call::CallServer::Client;

// A client that says exactly what it is told to say: copies, old sessions, false claims.
class CallServerTest : public CallFixture {
 protected:
  ~CallServerTest() noexcept override {}

  kj::Own<Connection> Connect() { return Dial().wait(scope_); }
  static Client Reach(Connection& connection) {
    return connection.Peer().castAs<capnp_call::CallServer>();
  }

  uint64_t Open(Client client, uint64_t id = 1) {
    auto request = client.openRequest();
    request.getClient().setLow(id);
    return request.send().wait(scope_).getSession();
  }

  // "done X", "refused X", "stale", "expired"; "error X" if the call itself fails.
  kj::Promise<std::string> Call(Client client, uint64_t session, uint64_t sequence,
                                const std::string& what, uint64_t seen = 0) {
    auto request = client.callRequest();
    request.initHeader().initClient().setLow(1);
    request.getHeader().setSession(session);
    request.getHeader().setSequence(sequence);
    request.getHeader().setSeenUpTo(seen);
    request.setRequest(kj::StringPtr(what.c_str()).asBytes());
    return request.send()
        .then([](auto&& response) { return Words(response.getOutcome()); }, ErrorWords)
        .eagerlyEvaluate(nullptr);
  }

  kj::Promise<std::string> CallPlainly(Client client, const std::string& what) {
    auto request = client.callPlainlyRequest();
    request.setRequest(kj::StringPtr(what.c_str()).asBytes());
    return request.send()
        .then([](auto&& response) { return Words(response.getOutcome()); }, ErrorWords)
        .eagerlyEvaluate(nullptr);
  }

  static std::string Words(capnp_call::CallOutcome::Reader outcome) {
    if (outcome.isReply()) {
      const auto reply = outcome.getReply().asChars();
      return "done " + std::string(reply.begin(), reply.size());
    }
    if (outcome.isRefused()) return "refused " + std::string(outcome.getRefused().cStr());
    return outcome.isStale() ? "stale" : "expired";
  }
  static std::string ErrorWords(kj::Exception&& e) {
    return "error " + std::string(e.getDescription().cStr());
  }

  kj::Own<Connection> connection_ = Connect();
  Client client_ = Reach(*connection_);
  uint64_t session_ = Open(client_);
};

TEST_F(CallServerTest, ACallRunsOnceAndItsCopiesGetTheSameReply) {
  EXPECT_EQ(Call(client_, session_, 1, "say ninety").wait(scope_), "done ninety");
  EXPECT_EQ(Call(client_, session_, 1, "say ninety").wait(scope_), "done ninety");
  EXPECT_EQ(executed_, std::vector<std::string>{"say ninety"});
}

TEST_F(CallServerTest, ACopyThatArrivesWhileTheCallRunsWaitsForItsReply) {
  auto original = Call(client_, session_, 1, "hold ninety");
  auto copy = Call(client_, session_, 1, "hold ninety");
  EXPECT_FALSE(copy.poll(scope_));
  EXPECT_EQ(server_->running(), 1u);
  Release("ninety");
  EXPECT_EQ(original.wait(scope_), "done ninety");
  EXPECT_EQ(copy.wait(scope_), "done ninety");
  EXPECT_EQ(executed_.size(), 1u);
  EXPECT_EQ(server_->running(), 0u);
}

TEST_F(CallServerTest, ACopyGetsTheReplyAlsoWhenTheFirstConnectionIsGone) {
  auto original = Call(client_, session_, 1, "hold ninety");
  EXPECT_FALSE(original.poll(scope_));
  connection_ = nullptr;
  EXPECT_EQ(original.wait(scope_).substr(0, 5), "error");
  scope_.poll();
  EXPECT_EQ(cancelled_, 0);

  auto other = Connect();
  auto copy = Call(Reach(*other), session_, 1, "hold ninety");
  EXPECT_FALSE(copy.poll(scope_));
  Release("ninety");
  EXPECT_EQ(copy.wait(scope_), "done ninety");
  EXPECT_EQ(executed_.size(), 1u);
}

TEST_F(CallServerTest, ACallWithoutAConnectionRunsToItsEndAndItsReplyIsKept) {
  auto original = Call(client_, session_, 1, "hold ninety");
  EXPECT_FALSE(original.poll(scope_));
  connection_ = nullptr;
  Release("ninety");
  EXPECT_EQ(server_->replies(), 1u);
  auto other = Connect();
  EXPECT_EQ(Call(Reach(*other), session_, 1, "hold ninety").wait(scope_), "done ninety");
}

TEST_F(CallServerTest, ARefusalIsTheSameForEveryCopy) {
  EXPECT_EQ(Call(client_, session_, 1, "refuse poor").wait(scope_), "refused poor");
  EXPECT_EQ(Call(client_, session_, 1, "refuse poor").wait(scope_), "refused poor");
  EXPECT_EQ(executed_.size(), 1u);
}

TEST_F(CallServerTest, AnExceptionOfTheServiceIsARefusalAndDisturbsNoOtherCall) {
  auto other = Call(client_, session_, 1, "hold me");
  EXPECT_EQ(Call(client_, session_, 2, "throw glass").wait(scope_), "refused glass");
  EXPECT_EQ(Call(client_, session_, 3, "say hello").wait(scope_), "done hello");
  Release("me");
  EXPECT_EQ(other.wait(scope_), "done me");
}

TEST_F(CallServerTest, AReplyThatWasSeenIsForgottenAndALateCopyIsStale) {
  Call(client_, session_, 1, "say one").wait(scope_);
  EXPECT_EQ(server_->replies(), 1u);
  Call(client_, session_, 2, "say two", /*seen=*/1).wait(scope_);
  EXPECT_EQ(server_->replies(), 1u);
  EXPECT_EQ(Call(client_, session_, 1, "say one").wait(scope_), "stale");
  EXPECT_EQ(executed_.size(), 2u);
}

TEST_F(CallServerTest, AClientThatWasSilentForItsLeaseIsToldSoAndNothingRuns) {
  Call(client_, session_, 1, "say one").wait(scope_);
  Pass(61 * kj::SECONDS);
  EXPECT_EQ(Call(client_, session_, 2, "say two").wait(scope_), "expired");
  EXPECT_EQ(executed_.size(), 1u);
  const uint64_t next = Open(client_);
  EXPECT_NE(next, session_);
  EXPECT_EQ(Call(client_, session_, 2, "say two").wait(scope_), "expired");
  EXPECT_EQ(Call(client_, next, 2, "say two").wait(scope_), "done two");
}

TEST_F(CallServerTest, AServerThatWasStartedAgainKnowsNoSession) {
  KillServer();
  StartServer();
  auto connection = Connect();
  EXPECT_EQ(Call(Reach(*connection), session_, 1, "say one").wait(scope_), "expired");
  EXPECT_NE(Open(Reach(*connection)), session_);
}

TEST_F(CallServerTest, ACallThatTakesLongerThanTheLeaseKeepsItsClient) {
  auto call = Call(client_, session_, 1, "hold it");
  Pass(5 * 61 * kj::SECONDS);
  Open(client_, /*id=*/2);  // a client that comes by
  Release("it");
  EXPECT_EQ(call.wait(scope_), "done it");
}

TEST_F(CallServerTest, OpeningAgainGivesTheSameSession) { EXPECT_EQ(Open(client_), session_); }

TEST_F(CallServerTest, APlainCallRunsEachTimeAndLeavesNothing) {
  EXPECT_EQ(CallPlainly(client_, "say hello").wait(scope_), "done hello");
  EXPECT_EQ(CallPlainly(client_, "say hello").wait(scope_), "done hello");
  EXPECT_EQ(executed_.size(), 2u);
  EXPECT_EQ(server_->replies(), 0u);
}

TEST_F(CallServerTest, APlainCallEndsWhenItsCallerDropsIt) {
  {
    auto call = CallPlainly(client_, "hold it");
    EXPECT_FALSE(call.poll(scope_));
    ASSERT_EQ(executed_.size(), 1u);
    EXPECT_EQ(cancelled_, 0);
  }
  scope_.poll();
  EXPECT_EQ(cancelled_, 1);
}

TEST_F(CallServerTest, APlainCallEndsWithItsConnection) {
  auto call = CallPlainly(client_, "hold it");
  EXPECT_FALSE(call.poll(scope_));
  connection_ = nullptr;
  scope_.poll();
  EXPECT_EQ(cancelled_, 1);
}

TEST_F(CallServerTest, OfAClientThatSeesNothingFurtherCallsHaveToWait) {
  server_options_.max_unseen_per_client = 2;
  KillServer();
  StartServer();
  auto connection = Connect();
  Client client = Reach(*connection);
  const uint64_t session = Open(client);
  Call(client, session, 1, "say one").wait(scope_);
  Call(client, session, 2, "say two").wait(scope_);
  EXPECT_EQ(Call(client, session, 3, "say three").wait(scope_).substr(0, 5), "error");
  EXPECT_EQ(executed_.size(), 2u);
  EXPECT_EQ(Call(client, session, 3, "say three", /*seen=*/1).wait(scope_), "done three");
}

TEST_F(CallServerTest, CallsUnderWayEndWithTheServer) {
  auto call = Call(client_, session_, 1, "hold it");
  EXPECT_FALSE(call.poll(scope_));
  server_ = nullptr;
  EXPECT_EQ(cancelled_, 1);
  EXPECT_EQ(call.wait(scope_).substr(0, 5), "error");
}

// --- With sessions that are kept ---

class SlowStore final : public SessionStore {
 public:
  kj::Promise<void> Keep(const ClientId& client, uint64_t session) override {
    return Note("keep " + std::to_string(client.low));
  }
  kj::Promise<void> Forget(std::vector<ClientId> clients) override {
    return Note("forget " + std::to_string(clients.at(0).low));
  }

  void Finish() { done_->fulfill(); }
  const std::vector<std::string>& asked() const { return asked_; }

 private:
  kj::Promise<void> Note(std::string what) {
    asked_.push_back(std::move(what));
    auto pair = kj::newPromiseAndFulfiller<void>();
    done_ = kj::mv(pair.fulfiller);
    return kj::mv(pair.promise);
  }

  std::vector<std::string> asked_;
  kj::Own<kj::PromiseFulfiller<void>> done_;
};

class KeptSessionsTest : public CallServerTest {
 protected:
  KeptSessionsTest() {
    KillServer();
    const std::vector<ClientRecord> kept = {{{0, 1}, 77, 0, {{3, CallReply::Done("three")}}}};
    server_ = std::make_unique<CallServer>(
        timer_, server_options_,
        [this](const CallInfo&, std::string request) { return CallReply::Done(request); }, store_,
        kept);
    connection_ = Connect();
    client_ = Reach(*connection_);
  }
  ~KeptSessionsTest() noexcept override { server_ = nullptr; }

  SlowStore store_;
};

TEST_F(KeptSessionsTest, AClientOfAnEarlierStartGoesOn) {
  EXPECT_EQ(Call(client_, 77, 3, "three").wait(scope_), "done three");
  EXPECT_EQ(Call(client_, 77, 4, "four").wait(scope_), "done four");
}

TEST_F(KeptSessionsTest, AClientHearsOfItsSessionWhenThatIsKept) {
  auto request = client_.openRequest();
  request.getClient().setLow(2);
  auto session = request.send();
  EXPECT_FALSE(session.poll(scope_));
  EXPECT_EQ(store_.asked(), std::vector<std::string>{"keep 2"});
  store_.Finish();
  EXPECT_NE(session.wait(scope_).getSession(), 0u);
}

// Else a server that starts again might know the session, and run a copy of the call.
TEST_F(KeptSessionsTest, AClientHearsThatItsSessionHasExpiredWhenThatIsForgotten) {
  Pass(61 * kj::SECONDS);
  auto call = Call(client_, 77, 4, "four");
  EXPECT_FALSE(call.poll(scope_));
  EXPECT_EQ(store_.asked(), std::vector<std::string>{"forget 1"});
  store_.Finish();
  EXPECT_EQ(call.wait(scope_), "expired");
}

}  // namespace
}  // namespace millrace
