// IoThread and InlineRunner as an event loop sees them.
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/vector.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "rpc/io_thread.h"

namespace millrace {
namespace {

class IoThreadLoopTest : public testing::Test {
 protected:
  IoThreadLoopTest() : io_(kj::setupAsyncIo()) {}
  ~IoThreadLoopTest() noexcept override {}

  kj::AsyncIoContext io_;
};

TEST_F(IoThreadLoopTest, TheStatusComesBack) {
  IoThread thread;
  EXPECT_EQ(thread.Run([]() { return absl::OkStatus(); }).wait(io_.waitScope), absl::OkStatus());
  EXPECT_EQ(thread.Run([]() { return absl::DataLossError("torn"); }).wait(io_.waitScope),
            absl::DataLossError("torn"));
}

TEST_F(IoThreadLoopTest, ResultsComeInOrder) {
  IoThread thread;
  std::vector<int> order;
  kj::Vector<kj::Promise<void>> all;
  for (int i = 0; i < 10; ++i) {
    all.add(thread.Run([]() { return absl::OkStatus(); }).then([&order, i](absl::Status) {
      order.push_back(i);
    }));
  }
  kj::joinPromises(all.releaseAsArray()).wait(io_.waitScope);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(IoThreadLoopTest, WorkRunsToItsEndAlsoWhenNobodyWaits) {
  std::promise<void> release;
  bool ran = false;
  {
    IoThread thread;
    auto blocked = thread.Run([&]() {
      release.get_future().wait();
      return absl::OkStatus();
    });
    auto dropped = thread.Run([&]() {
      ran = true;
      return absl::OkStatus();
    });
    { auto gone = kj::mv(dropped); }
    release.set_value();
  }
  EXPECT_TRUE(ran);
}

TEST_F(IoThreadLoopTest, AFullQueueIsAStatus) {
  std::promise<void> release;
  std::promise<void> started;
  IoThread thread;
  auto blocked = thread.Run([&]() {
    started.set_value();
    release.get_future().wait();
    return absl::OkStatus();
  });
  started.get_future().wait();
  while (thread.Post([]() {})) {
  }
  const absl::Status refused = thread.Run([]() { return absl::OkStatus(); }).wait(io_.waitScope);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  release.set_value();
  EXPECT_EQ(blocked.wait(io_.waitScope), absl::OkStatus());
}

TEST_F(IoThreadLoopTest, InlineWorkIsDoneWhenRunReturns) {
  InlineRunner runner;
  bool ran = false;
  auto result = runner.Run([&]() {
    ran = true;
    return absl::NotFoundError("x");
  });
  EXPECT_TRUE(ran);
  EXPECT_EQ(result.wait(io_.waitScope), absl::NotFoundError("x"));
}

}  // namespace
}  // namespace millrace
