#include "master/http_service.h"

#include <kj/async-io.h>
#include <kj/compat/http.h>

#include <deque>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace millrace {
namespace {

// A port that streams are dropped into.
class FakePort final : public kj::ConnectionReceiver {
 public:
  void Connect(kj::Own<kj::AsyncIoStream> stream) {
    if (waiting_.get() != nullptr) {
      waiting_->fulfill(kj::mv(stream));
      waiting_ = nullptr;
      return;
    }
    streams_.push_back(kj::mv(stream));
  }
  kj::Promise<kj::Own<kj::AsyncIoStream>> accept() override {
    if (!streams_.empty()) {
      auto stream = kj::mv(streams_.front());
      streams_.pop_front();
      return kj::mv(stream);
    }
    auto paf = kj::newPromiseAndFulfiller<kj::Own<kj::AsyncIoStream>>();
    waiting_ = kj::mv(paf.fulfiller);
    return kj::mv(paf.promise);
  }
  uint getPort() override { return 80; }

 private:
  std::deque<kj::Own<kj::AsyncIoStream>> streams_;
  kj::Own<kj::PromiseFulfiller<kj::Own<kj::AsyncIoStream>>> waiting_;
};

struct Answer {
  uint status = 0;
  std::string body;
};

class HttpServiceTest : public ::testing::Test {
 protected:
  HttpServiceTest() {
    auto port = kj::heap<FakePort>();
    port_ = port.get();
    service_ = kj::heap<HttpService>(timer_, kj::mv(port), []() { return "[]"; });
    running_ = service_->Run().eagerlyEvaluate(nullptr);
  }
  ~HttpServiceTest() noexcept override {
    running_ = nullptr;
    service_ = nullptr;
    wait_scope_.poll();
  }

  kj::Own<kj::AsyncIoStream> Connect() {
    kj::TwoWayPipe pipe = kj::newTwoWayPipe();
    port_->Connect(kj::mv(pipe.ends[0]));
    wait_scope_.poll();
    return kj::mv(pipe.ends[1]);
  }

  Answer Ask(kj::HttpMethod method, const char* url) {
    auto stream = Connect();
    auto client = kj::newHttpClient(table_, *stream);
    auto request = client->request(method, url, kj::HttpHeaders(table_), uint64_t{0});
    auto response = request.response.wait(wait_scope_);
    const kj::String body = response.body->readAllText().wait(wait_scope_);
    return {response.statusCode, body.cStr()};
  }

  kj::EventLoop loop_;
  kj::WaitScope wait_scope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  kj::HttpHeaderTable table_;
  FakePort* port_ = nullptr;
  kj::Own<HttpService> service_;
  kj::Promise<void> running_ = nullptr;
};

TEST_F(HttpServiceTest, HealthIsOk) {
  const Answer answer = Ask(kj::HttpMethod::GET, "/healthz");
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body, "ok\n");
}

TEST_F(HttpServiceTest, JobsAreJson) {
  const Answer answer = Ask(kj::HttpMethod::GET, "/jobs?pretty");
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body, "[]\n");
}

TEST_F(HttpServiceTest, EverythingElseIsNotFound) {
  EXPECT_EQ(Ask(kj::HttpMethod::GET, "/").status, 404u);
  EXPECT_EQ(Ask(kj::HttpMethod::GET, "/jobs/../etc/passwd").status, 404u);
  EXPECT_EQ(Ask(kj::HttpMethod::POST, "/jobs").status, 405u);
}

TEST_F(HttpServiceTest, GarbageCostsItsConnectionAlone) {
  auto stream = Connect();
  stream->write("\xff\xff\xff\xff\r\n\r\n", 8).wait(wait_scope_);
  wait_scope_.poll();
  EXPECT_EQ(Ask(kj::HttpMethod::GET, "/healthz").status, 200u);
}

TEST_F(HttpServiceTest, HeadersWithoutEndCostTheirConnectionAlone) {
  auto stream = Connect();
  const std::string headers = "GET /jobs HTTP/1.1\r\nX: " + std::string(1 << 20, 'x');
  auto written = stream->write(headers.data(), headers.size());
  EXPECT_ANY_THROW(written.wait(wait_scope_));  // closed long before the end
  EXPECT_EQ(stream->readAllText().wait(wait_scope_).size(), 0u);
  EXPECT_EQ(Ask(kj::HttpMethod::GET, "/healthz").status, 200u);
}

TEST_F(HttpServiceTest, ConnectionsAreBounded) {
  std::vector<kj::Own<kj::AsyncIoStream>> open;
  for (size_t i = 0; i < HttpService::kConnectionsMax; ++i) open.push_back(Connect());
  auto one_more = Connect();
  EXPECT_EQ(one_more->readAllText().wait(wait_scope_).size(), 0u);  // closed
  open.clear();
  wait_scope_.poll();
  EXPECT_EQ(Ask(kj::HttpMethod::GET, "/healthz").status, 200u);
}

TEST_F(HttpServiceTest, WhoSaysNothingIsCutOff) {
  auto silent = Connect();
  timer_.advanceTo(timer_.now() + 6 * kj::SECONDS);
  wait_scope_.poll();
  silent->readAllText().wait(wait_scope_);
}

}  // namespace
}  // namespace millrace
