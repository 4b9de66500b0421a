#include "rpc/framing.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

using capnp::word;
using Result = kj::Maybe<kj::Own<capnp::MessageReader>>;

// A frame begins with little-endian numbers of 32 bits: the number of segments minus one, the words
// in each segment, and padding to a whole word.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the numbers are read as they lie");

// A message while it arrives, and then as its reader.
class Frame final : public capnp::MessageReader {
 public:
  explicit Frame(capnp::ReaderOptions options) : MessageReader(options) {}

  // False at the end of the stream.
  kj::Promise<bool> Read(kj::AsyncInputStream& stream) {
    return stream.tryRead(first_, sizeof(first_), sizeof(first_))
        .then([this, &stream](size_t count) -> kj::Promise<bool> {
          if (count == 0) return false;
          if (count < sizeof(first_)) return Truncated();
          return ReadRest(stream).then([]() { return true; });
        });
  }

  kj::ArrayPtr<const word> getSegment(kj::uint id) override {
    if (id >= segments_.size()) return nullptr;
    return segments_[id];
  }

 private:
  kj::Promise<void> ReadRest(kj::AsyncInputStream& stream) {
    if (first_[0] >= kMaxSegments) {
      return Malformed(absl::StrCat("a message of ", uint64_t{first_[0]} + 1, " segments"));
    }
    const size_t count = first_[0] + 1;
    sizes_ = kj::heapArray<uint32_t>(count);
    sizes_[0] = first_[1];
    if (count == 1) return ReadSegments(stream);
    more_sizes_ = kj::heapArray<uint32_t>(count / 2 * 2);  // with the padding
    const size_t bytes = more_sizes_.size() * sizeof(uint32_t);
    return stream.read(more_sizes_.begin(), bytes).then([this, &stream]() {
      for (size_t i = 1; i < sizes_.size(); ++i) sizes_[i] = more_sizes_[i - 1];
      return ReadSegments(stream);
    });
  }

  kj::Promise<void> ReadSegments(kj::AsyncInputStream& stream) {
    uint64_t total = 0;
    for (uint32_t size : sizes_) total += size;
    if (total > getOptions().traversalLimitInWords) {
      return Malformed(absl::StrCat("a message of ", total * sizeof(word), " bytes, at most ",
                                    getOptions().traversalLimitInWords * sizeof(word)));
    }
    words_ = kj::heapArray<word>(total);
    segments_ = kj::heapArray<kj::ArrayPtr<const word>>(sizes_.size());
    size_t begin = 0;
    for (size_t i = 0; i < sizes_.size(); ++i) {
      segments_[i] = words_.slice(begin, begin + sizes_[i]);
      begin += sizes_[i];
    }
    return stream.read(words_.begin(), total * sizeof(word));
  }

  static kj::Exception Malformed(const std::string& what) {
    return ToException(absl::InvalidArgumentError(what));
  }
  static kj::Exception Truncated() {
    return ToException(absl::UnavailableError("the stream ended inside a message"));
  }

  uint32_t first_[2] = {};
  kj::Array<uint32_t> sizes_;
  kj::Array<uint32_t> more_sizes_;
  kj::Array<word> words_;
  kj::Array<kj::ArrayPtr<const word>> segments_;
};

}  // namespace

kj::Promise<Result> TryReadFrame(kj::AsyncInputStream& stream, capnp::ReaderOptions options) {
  auto frame = kj::heap<Frame>(options);
  Frame& borrowed = *frame;
  return borrowed.Read(stream).then([frame = kj::mv(frame)](bool found) mutable -> Result {
    if (!found) return nullptr;
    return kj::Own<capnp::MessageReader>(kj::mv(frame));
  });
}

}  // namespace millrace
