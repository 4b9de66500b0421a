#include "apps/chat/polled_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/io.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace millrace::chat {
namespace {

class PolledFdTest : public testing::Test {
 protected:
  ~PolledFdTest() noexcept override {}

  void SetUp() override {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    out_ = kj::AutoCloseFd(ends[0]);
    in_ = kj::AutoCloseFd(ends[1]);
  }

  void Put(const std::string& bytes) {
    ASSERT_EQ(write(in_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  std::string Take(size_t most) {
    std::string bytes(most, '\0');
    bytes.resize(static_cast<size_t>(std::max<ssize_t>(0, read(out_, bytes.data(), most))));
    return bytes;
  }
  size_t Capacity() { return static_cast<size_t>(fcntl(in_, F_GETPIPE_SZ)); }

  // A file of this content, open for reading and writing, at its beginning.
  kj::AutoCloseFd File(const std::string& content) {
    char path[] = "/tmp/polled_fd_test.XXXXXX";
    kj::AutoCloseFd file(mkstemp(path));
    unlink(path);
    EXPECT_EQ(pwrite(file, content.data(), content.size(), 0),
              static_cast<ssize_t>(content.size()));
    return file;
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  kj::AutoCloseFd out_, in_;  // of the pipe
};

TEST_F(PolledFdTest, ReadsWhatIsThere) {
  PolledInput input(io_.unixEventPort, out_);
  Put("hello\n");
  EXPECT_EQ(input.Read().wait(io_.waitScope), "hello\n");
}

TEST_F(PolledFdTest, WaitsForWhatIsNotThereYetAgainAndAgain) {
  PolledInput input(io_.unixEventPort, out_);
  for (const char* bytes : {"one", "two", "three"}) {
    auto read = input.Read();
    EXPECT_FALSE(read.poll(io_.waitScope)) << "and the loop goes on meanwhile";
    Put(bytes);
    EXPECT_EQ(read.wait(io_.waitScope), bytes);
  }
}

TEST_F(PolledFdTest, WhatComesBetweenTwoReadsIsNotMissed) {
  PolledInput input(io_.unixEventPort, out_);
  auto first = input.Read();
  Put("one");
  EXPECT_EQ(first.wait(io_.waitScope), "one");
  Put("two");
  io_.waitScope.poll();  // the loop has seen that something came, and nobody was waiting
  EXPECT_EQ(input.Read().wait(io_.waitScope), "two");
}

TEST_F(PolledFdTest, ReadsNothingAtTheEnd) {
  PolledInput input(io_.unixEventPort, out_);
  auto read = input.Read();
  ASSERT_FALSE(read.poll(io_.waitScope));
  in_ = nullptr;
  EXPECT_EQ(read.wait(io_.waitScope), "");
  EXPECT_EQ(input.Read().wait(io_.waitScope), "");
}

TEST_F(PolledFdTest, ReadsFilesAndTheEmptyDevice) {
  const kj::AutoCloseFd file = File("in a file");
  PolledInput input(io_.unixEventPort, file);
  EXPECT_EQ(input.Read().wait(io_.waitScope), "in a file");
  EXPECT_EQ(input.Read().wait(io_.waitScope), "");

  const kj::AutoCloseFd null(open("/dev/null", O_RDONLY));
  PolledInput nothing(io_.unixEventPort, null);
  EXPECT_EQ(nothing.Read().wait(io_.waitScope), "");
}

TEST_F(PolledFdTest, ReadsATerminalLineByLineUntilControlD) {
  int master = -1, terminal = -1;
  ASSERT_EQ(openpty(&master, &terminal, nullptr, nullptr, nullptr), 0);
  const kj::AutoCloseFd keys(master), closes(terminal);
  PolledInput input(io_.unixEventPort, terminal);
  auto line = input.Read();
  ASSERT_EQ(write(keys, "typ", 3), 3);
  EXPECT_FALSE(line.poll(io_.waitScope)) << "the line is not complete";
  ASSERT_EQ(write(keys, "ed\n", 3), 3);
  EXPECT_EQ(line.wait(io_.waitScope), "typed\n");
  auto end = input.Read();
  ASSERT_FALSE(end.poll(io_.waitScope));
  ASSERT_EQ(write(keys, "\x04", 1), 1);
  EXPECT_EQ(end.wait(io_.waitScope), "");
}

TEST_F(PolledFdTest, AnInputThatCannotBeReadSaysSo) {
  PolledInput input(io_.unixEventPort, /*fd=*/1'000'000);
  EXPECT_ANY_THROW(input.Read().wait(io_.waitScope));
}

TEST_F(PolledFdTest, LeavesTheDescriptorsAsTheyWere) {
  PolledInput input(io_.unixEventPort, out_);
  PolledOutput output(io_.unixEventPort, in_);
  auto read = input.Read();
  ASSERT_FALSE(read.poll(io_.waitScope));
  output.Write("x").wait(io_.waitScope);
  EXPECT_EQ(read.wait(io_.waitScope), "x");
  EXPECT_EQ(fcntl(out_, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(fcntl(in_, F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(PolledFdTest, AWriterWaitsForAReaderThatDoesNotReadAndWritesAllInOrder) {
  PolledOutput output(io_.unixEventPort, in_);
  std::string bytes;
  while (bytes.size() < 3 * Capacity()) bytes += std::to_string(bytes.size()) + "\n";
  auto written = output.Write(bytes);
  EXPECT_FALSE(written.poll(io_.waitScope)) << "and the loop goes on meanwhile";
  std::string taken;
  while (taken.size() < bytes.size()) {
    taken += Take(10'000);
    io_.waitScope.poll();
  }
  written.wait(io_.waitScope);
  EXPECT_EQ(taken, bytes);
}

TEST_F(PolledFdTest, WritesFilesAtOnce) {
  const kj::AutoCloseFd file = File("");
  PolledOutput(io_.unixEventPort, file).Write("said").wait(io_.waitScope);
  char read[5] = {};
  EXPECT_EQ(pread(file, read, 4, 0), 4);
  EXPECT_STREQ(read, "said");
}

TEST_F(PolledFdTest, AnOutputThatNobodyReadsAnyMoreSaysSo) {
  PolledOutput output(io_.unixEventPort, in_);
  out_ = nullptr;
  EXPECT_ANY_THROW(output.Write("x").wait(io_.waitScope));
}

}  // namespace
}  // namespace millrace::chat
