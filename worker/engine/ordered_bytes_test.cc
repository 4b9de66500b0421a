#include "worker/engine/ordered_bytes.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace millrace {
namespace {

std::string Encoded(std::string_view text) {
  std::string encoded;
  AppendOrdered(text, &encoded);
  return encoded;
}

std::string Decoded(std::string_view encoded) {
  std::string text;
  AppendDecoded(encoded, &text);
  return text;
}

std::string Bytes(const char* bytes, size_t size) { return std::string(bytes, size); }

TEST(OrderedBytesTest, AStringIsFollowedByItsEndAndZerosAreEscaped) {
  EXPECT_EQ(Encoded(""), Bytes("\0\x01", 2));
  EXPECT_EQ(Encoded("ant"), Bytes("ant\0\x01", 5));
  EXPECT_EQ(Encoded(Bytes("\0a\0\0", 4)), Bytes("\0\xff\x61\0\xff\0\xff\0\x01", 9));
}

TEST(OrderedBytesTest, AStringComesBeforeThoseThatItBegins) {
  const std::string texts[] = {"",
                               Bytes("\0", 1),
                               Bytes("\0\0", 2),
                               Bytes("\0\x01", 2),
                               "\x01",
                               "a",
                               Bytes("a\0", 2),
                               "a\x01",
                               "aa",
                               "a\xff",
                               "\xff"};
  for (size_t i = 0; i + 1 < std::size(texts); ++i) {
    EXPECT_LT(Encoded(texts[i]), Encoded(texts[i + 1])) << i;
  }
}

TEST(OrderedBytesTest, TheFirstOfSeveralEndsWhereTheNextBegins) {
  const std::string first = Encoded(Bytes("a\0", 2));
  EXPECT_EQ(OrderedSize(first + "\x01rest"), first.size());
  EXPECT_EQ(OrderedSize(first + Encoded("b")), first.size());
}

// Few different bytes, those that mean something among them.
rc::Gen<std::string> AnyBytes() {
  return rc::gen::container<std::string>(rc::gen::element('\0', '\x01', 'a', 'b', '\xff'));
}

RC_GTEST_PROP(OrderedBytesProperty, ListsOfStringsAreOrderedLikeTheirEncodings, ()) {
  const auto gen = rc::gen::container<std::vector<std::string>>(2, AnyBytes());
  const std::vector<std::string> a = *gen;
  const std::vector<std::string> b = *gen;
  const std::string encoded_a = Encoded(a[0]) + Encoded(a[1]);
  const std::string encoded_b = Encoded(b[0]) + Encoded(b[1]);
  RC_ASSERT((encoded_a < encoded_b) == (a < b));
  RC_ASSERT((encoded_a == encoded_b) == (a == b));
}

RC_GTEST_PROP(OrderedBytesProperty, AKeyAndPlainBytesAreOrderedLikeTheirPair, ()) {
  const auto pair = rc::gen::pair(AnyBytes(), AnyBytes());
  const auto a = *pair;
  const auto b = *pair;
  RC_ASSERT((Encoded(a.first) + a.second < Encoded(b.first) + b.second) == (a < b));
}

RC_GTEST_PROP(OrderedBytesProperty, EveryStringComesBack, ()) {
  const std::string text = *AnyBytes();
  const std::string rest = *AnyBytes();
  const std::string encoded = Encoded(text);
  RC_ASSERT(OrderedSize(encoded + rest) == encoded.size());
  RC_ASSERT(Decoded(encoded) == text);
}

}  // namespace
}  // namespace millrace
