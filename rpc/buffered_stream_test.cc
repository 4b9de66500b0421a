#include "rpc/buffered_stream.h"

#include <gtest/gtest.h>
#include <kj/debug.h>

#include <string>
#include <utility>
#include <vector>

namespace millrace {
namespace {

// The end of a pipe that notes how it is used.
class WatchedStream final : public kj::AsyncIoStream {
 public:
  explicit WatchedStream(kj::Own<kj::AsyncIoStream> inner) : inner_(kj::mv(inner)) {}

  kj::Promise<size_t> tryRead(void* buffer, size_t min_bytes, size_t max_bytes) override {
    ++reads;
    return inner_->tryRead(buffer, min_bytes, max_bytes);
  }
  kj::Promise<void> write(const void* buffer, size_t size) override {
    ++writes;
    if (fails) return KJ_EXCEPTION(DISCONNECTED, "broken pipe");
    return inner_->write(buffer, size);
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    ++writes;
    return inner_->write(pieces);
  }
  kj::Promise<void> whenWriteDisconnected() override { return inner_->whenWriteDisconnected(); }
  void shutdownWrite() override { inner_->shutdownWrite(); }

  int reads = 0;
  int writes = 0;
  bool fails = false;

 private:
  kj::Own<kj::AsyncIoStream> inner_;
};

class BufferedStreamTest : public testing::Test {
 protected:
  BufferedStreamTest() : pipe_(kj::newTwoWayPipe()) {
    auto watched = kj::heap<WatchedStream>(kj::mv(pipe_.ends[0]));
    watched_ = watched.get();
    stream_ = kj::heap<BufferedStream>(kj::mv(watched));
  }
  ~BufferedStreamTest() noexcept override {}

  kj::Promise<void> Write(const std::string& text) {
    return stream_->write(text.data(), text.size());
  }
  // What the other end reads.
  std::string ReadThere(size_t count) {
    std::string text(count, '\0');
    pipe_.ends[1]->read(text.data(), count).wait(scope_);
    return text;
  }
  std::string Read(size_t min_bytes, size_t max_bytes) {
    std::string text(max_bytes, '\0');
    text.resize(stream_->tryRead(text.data(), min_bytes, max_bytes).wait(scope_));
    return text;
  }

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  kj::TwoWayPipe pipe_;
  WatchedStream* watched_;
  kj::Own<BufferedStream> stream_;
};

TEST_F(BufferedStreamTest, SmallWritesLeaveTogetherAndInOrder) {
  for (const char* text : {"one ", "two ", "three"}) EXPECT_TRUE(Write(text).poll(scope_));
  EXPECT_EQ(ReadThere(13), "one two three");
}

TEST_F(BufferedStreamTest, WhatIsWrittenInOneTurnIsOneWrite) {
  std::vector<kj::Promise<void>> all;
  all.reserve(100);
  for (int i = 0; i < 100; ++i) all.push_back(Write("x"));
  EXPECT_EQ(watched_->writes, 0);
  EXPECT_EQ(ReadThere(100), std::string(100, 'x'));
  EXPECT_EQ(watched_->writes, 1);
}

TEST_F(BufferedStreamTest, ALargeWriteFollowsWhatWasGathered) {
  const std::string large(100'000, 'L');
  kj::Promise<void> small = Write("small");
  kj::Promise<void> written = Write(large);
  EXPECT_FALSE(written.poll(scope_));
  EXPECT_EQ(ReadThere(5 + large.size()), "small" + large);
  written.wait(scope_);
  EXPECT_EQ(watched_->writes, 2);
}

TEST_F(BufferedStreamTest, AWriterThatIsFasterThanItsPeerHasToWait) {
  const std::string block(1024, 'b');
  size_t taken = 0;
  kj::Promise<void> last = kj::READY_NOW;
  while ((last = Write(block)).poll(scope_)) ++taken;
  // One lot is on its way, another one is gathered.
  EXPECT_LE(taken * block.size(), 2 * BufferedStream::kGatheredBytesMax);
  EXPECT_EQ(ReadThere((taken + 1) * block.size()).size(), (taken + 1) * block.size());
  last.wait(scope_);
}

TEST_F(BufferedStreamTest, AFailureMeetsTheNextWrite) {
  watched_->fails = true;
  Write("into the void").wait(scope_);
  scope_.poll();
  EXPECT_THROW(Write("more").wait(scope_), kj::Exception);
}

TEST_F(BufferedStreamTest, WhatIsGatheredIsOfferedWhenTheStreamGoes) {
  auto heard = pipe_.ends[1]->readAllText().eagerlyEvaluate(nullptr);
  EXPECT_FALSE(heard.poll(scope_));
  kj::Promise<void> written = Write("last words");
  stream_ = nullptr;
  EXPECT_STREQ(heard.wait(scope_).cStr(), "last words");
}

TEST_F(BufferedStreamTest, TheEndComesAfterWhatIsGathered) {
  Write("the end").wait(scope_);
  stream_->shutdownWrite();
  EXPECT_STREQ(pipe_.ends[1]->readAllText().wait(scope_).cStr(), "the end");
}

TEST_F(BufferedStreamTest, SmallReadsShareOne) {
  kj::Promise<void> there = pipe_.ends[1]->write("one two three", 13);
  EXPECT_EQ(Read(4, 4), "one ");
  EXPECT_EQ(Read(4, 4), "two ");
  EXPECT_EQ(Read(1, 100), "three");
  EXPECT_EQ(watched_->reads, 1);
}

TEST_F(BufferedStreamTest, AReadMayNeedMoreThanWasReadAhead) {
  kj::Promise<void> there = pipe_.ends[1]->write("abcdef", 6);
  EXPECT_EQ(Read(2, 2), "ab");
  auto more = std::string(8, '\0');
  auto read = stream_->tryRead(more.data(), 8, 8);
  EXPECT_FALSE(read.poll(scope_));
  kj::Promise<void> rest = pipe_.ends[1]->write("ghij", 4);
  EXPECT_EQ(read.wait(scope_), 8u);
  EXPECT_EQ(more, "cdefghij");
}

TEST_F(BufferedStreamTest, ALargeReadGoesStraightToItsPlace) {
  const std::string large(100'000, 'L');
  const std::string all = "head" + large + "tail";
  kj::Promise<void> there = pipe_.ends[1]->write(all.data(), all.size()).eagerlyEvaluate(nullptr);
  EXPECT_EQ(Read(4, 4), "head");
  EXPECT_EQ(Read(large.size(), large.size()), large);
  EXPECT_EQ(Read(4, 4), "tail");
}

TEST_F(BufferedStreamTest, TheEndIsSeenAfterWhatWasReadAhead) {
  kj::Promise<void> there = pipe_.ends[1]->write("abc", 3).eagerlyEvaluate(nullptr);
  EXPECT_EQ(Read(1, 1), "a");
  pipe_.ends[1]->shutdownWrite();
  EXPECT_EQ(Read(4, 4), "bc");
  EXPECT_EQ(Read(1, 1), "");
}

}  // namespace
}  // namespace millrace
