#include "rpc/framing.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "rpc/types.capnp.h"

namespace millrace {
namespace {

// A stream that holds `bytes` and gives them in pieces of at most `piece`.
class Bytes final : public kj::AsyncInputStream {
 public:
  Bytes(std::string bytes, size_t piece) : bytes_(std::move(bytes)), piece_(piece) {}

  kj::Promise<size_t> tryRead(void* buffer, size_t min_bytes, size_t max_bytes) override {
    const size_t wanted = std::max(min_bytes, std::min(max_bytes, piece_));
    const size_t count = bytes_.copy(static_cast<char*>(buffer), wanted, at_);
    at_ += count;
    return count;
  }

 private:
  const std::string bytes_;
  const size_t piece_;
  size_t at_ = 0;
};

class FramingTest : public testing::Test {
 protected:
  FramingTest() : scope_(loop_) {}
  ~FramingTest() noexcept override {}

  // The path in the InputFile that `bytes` hold, "end", or why there is none.
  std::string Read(const std::string& bytes) {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 1000;
    Bytes stream(bytes, 3);
    try {
      auto message = TryReadFrame(stream, options).wait(scope_);
      KJ_IF_MAYBE (reader, message) {
        return (*reader)->getRoot<capnp_types::InputFile>().getPath().cStr();
      }
      return "end";
    } catch (const kj::Exception& e) {
      return kj::str(e.getType(), ": ", e.getDescription()).cStr();
    }
  }

  kj::EventLoop loop_;
  kj::WaitScope scope_;
};

// A message whose text lies in a segment of its own when `first_segment_words` is small.
std::string Message(const std::string& path, uint32_t first_segment_words) {
  capnp::MallocMessageBuilder message(first_segment_words, capnp::AllocationStrategy::FIXED_SIZE);
  message.initRoot<capnp_types::InputFile>().setPath(path.c_str());
  const kj::Array<capnp::word> words = capnp::messageToFlatArray(message);
  const auto chars = words.asChars();
  return std::string(chars.begin(), chars.size());
}

std::string Halves(const std::vector<uint32_t>& halves) {
  return std::string(reinterpret_cast<const char*>(halves.data()), halves.size() * 4);
}

TEST_F(FramingTest, ReadsMessagesOfOneSegmentAndOfMore) {
  EXPECT_EQ(Read(Message("/a", 100)), "/a");
  EXPECT_EQ(Read(Message("/a", 1)), "/a");
  EXPECT_EQ(Read(Message("/a", 3)), "/a");
}

TEST_F(FramingTest, TheEndOfTheStreamIsNoMessage) { EXPECT_EQ(Read(""), "end"); }

TEST_F(FramingTest, AStreamThatEndsInsideAMessageIsDisconnected) {
  for (uint32_t first_segment_words : {1, 100}) {
    const std::string whole = Message("/a", first_segment_words);
    for (size_t size = 1; size < whole.size(); ++size) {
      EXPECT_EQ(Read(whole.substr(0, size)).substr(0, 13), "disconnected:") << size;
    }
  }
}

TEST_F(FramingTest, SizesAreCheckedBeforeAnythingIsAllocated) {
  EXPECT_EQ(Read(Halves({0, 1001})), "failed: a message of 8008 bytes, at most 8000");
  EXPECT_EQ(Read(Halves({2, 0xffffffff, 0xffffffff, 0xffffffff})),
            "failed: a message of 103079215080 bytes, at most 8000");
  EXPECT_EQ(Read(Halves({512, 0})), "failed: a message of 513 segments");
  EXPECT_EQ(Read(Halves({0xffffffff, 0})), "failed: a message of 4294967296 segments");
}

TEST_F(FramingTest, AsManySegmentsAsAllowed) {
  std::vector<uint32_t> header(1 + kMaxSegments + 1);
  header[0] = kMaxSegments - 1;
  header[1] = 1;
  EXPECT_EQ(Read(Halves(header) + std::string(8, '\0')), "");
}

TEST_F(FramingTest, AnyBytesGiveAMessageOrAFailure) {
  rc::check([this](const std::vector<uint8_t>& sizes, const std::string& body) {
    std::vector<uint32_t> header(sizes.begin(), sizes.end());
    Read(Halves(header) + body);
  });
}

}  // namespace
}  // namespace millrace
