#include "rpc/io_thread.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <vector>

namespace millrace {
namespace {

// Keeps the thread busy until it is opened.
class Gate {
 public:
  void Open() { opened_.set_value(); }
  void Wait() { is_open_.wait(); }

 private:
  std::promise<void> opened_;
  std::shared_future<void> is_open_ = opened_.get_future().share();
};

// --- Without KJ, for the thread sanitizer ---

TEST(IoThreadTest, WorkRunsInOrderOnOneOtherThread) {
  std::vector<int> order;
  std::vector<decltype(std::this_thread::get_id())> threads;
  {
    IoThread io;
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(io.Post([&, i]() {
        order.push_back(i);
        threads.push_back(std::this_thread::get_id());
      }));
    }
  }  // finishes what is queued
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(order[i], i);
    EXPECT_EQ(threads[i], threads[0]);
    EXPECT_NE(threads[i], std::this_thread::get_id());
  }
}

TEST(IoThreadTest, AFullQueueRefusesMore) {
  Gate gate;
  Gate started;
  size_t ran = 0;
  {
    IoThread io;
    ASSERT_TRUE(io.Post([&]() {
      started.Open();
      gate.Wait();
    }));
    started.Wait();
    for (size_t i = 0; i < IoThread::kMaxQueued; ++i) ASSERT_TRUE(io.Post([&]() { ++ran; }));
    EXPECT_FALSE(io.Post([&]() { ++ran; }));
    gate.Open();
  }
  EXPECT_EQ(ran, IoThread::kMaxQueued);
}

TEST(IoThreadTest, ManyThreadsMayPost) {
  size_t ran = 0;
  {
    IoThread io;
    IoThread posters[4];  // they end first
    for (IoThread& poster : posters) {
      ASSERT_TRUE(poster.Post([&]() {
        for (int i = 0; i < 100; ++i) io.Post([&]() { ++ran; });
      }));
    }
  }
  EXPECT_EQ(ran, 400u);
}

}  // namespace
}  // namespace millrace
