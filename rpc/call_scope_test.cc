#include "rpc/call_scope.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "rpc/worker.capnp.h"

namespace millrace {
namespace {

// Something that answers calls once it is told to, and may be gone before.
class Book {
 public:
  capnp_worker::ByteReader::Client NewReader() { return kj::heap<Server>(*this); }
  void Open() { opened_.fulfiller->fulfill(); }
  int calls() const { return calls_begun_; }

 private:
  class Server final : public ScopedServer<capnp_worker::ByteReader> {
   public:
    explicit Server(Book& book) : ScopedServer(book.calls_), book_(book) {}

    kj::Promise<void> read(ReadContext context) override {
      ++book_.calls_begun_;
      return book_.open_.addBranch().then([this, context]() mutable {
        context.getResults().setData(kj::StringPtr(book_.text_.c_str()).asBytes());
      });
    }

   private:
    Book& book_;
  };

  const std::string text_ = "words";
  int calls_begun_ = 0;
  kj::PromiseFulfillerPair<void> opened_ = kj::newPromiseAndFulfiller<void>();
  kj::ForkedPromise<void> open_ = opened_.promise.fork();
  CallScope calls_;
};

class CallScopeTest : public ::testing::Test {
 protected:
  ~CallScopeTest() noexcept override {}

  // "disconnected", or what was read.
  kj::Promise<std::string> Read() {
    return reader_.readRequest().send().then(
        [](auto response) {
          const auto data = response.getData().asChars();
          return std::string(data.begin(), data.size());
        },
        [](kj::Exception&& exception) {
          EXPECT_EQ(exception.getType(), kj::Exception::Type::DISCONNECTED);
          return std::string("disconnected");
        });
  }

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  std::unique_ptr<Book> book_ = std::make_unique<Book>();
  capnp_worker::ByteReader::Client reader_ = book_->NewReader();
};

TEST_F(CallScopeTest, CallsRunToTheirEndWhileItLives) {
  auto read = Read();
  book_->Open();
  EXPECT_EQ(read.wait(scope_), "words");
}

TEST_F(CallScopeTest, ACallUnderWayEndsWithIt) {
  auto read = Read();
  scope_.poll();
  ASSERT_EQ(book_->calls(), 1);
  book_ = nullptr;
  EXPECT_EQ(read.wait(scope_), "disconnected");
}

TEST_F(CallScopeTest, ACallThatHasNotBegunNeverBegins) {
  auto read = Read();  // delivered in a later turn
  ASSERT_EQ(book_->calls(), 0);
  book_ = nullptr;
  EXPECT_EQ(read.wait(scope_), "disconnected");
}

TEST_F(CallScopeTest, ALaterCallIsRefused) {
  book_ = nullptr;
  EXPECT_EQ(Read().wait(scope_), "disconnected");
}

}  // namespace
}  // namespace millrace
