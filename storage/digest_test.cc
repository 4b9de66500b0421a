#include "storage/digest.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "storage/fields_digest.h"

namespace millrace {
namespace {

// Digests are stored in journals and manifests, so they must never change between releases. This is
// the value that the XXH3 specification gives for empty input with seed 0.
TEST(DigestTest, IsXxh3OfSeedZero) {
  EXPECT_EQ(DigestOf("").ToHex(), "99aa06d3014798d86001c324468d497f");
}

TEST(DigestTest, HexHas32DigitsHighWordFirst) {
  EXPECT_EQ((Digest{0x1, 0xabc}).ToHex(), "00000000000000010000000000000abc");
  std::ostringstream printed;
  printed << Digest{0x1, 0xabc};
  EXPECT_EQ(printed.str(), "00000000000000010000000000000abc");
}

TEST(DigestTest, DiffersWhenOneBitDiffers) { EXPECT_NE(DigestOf("cat"), DigestOf("cas")); }

TEST(DigestTest, AStreamThatIsResetStartsAfresh) {
  DigestStream stream;
  stream.Update("old content");
  stream.Reset();
  stream.Update("new");
  EXPECT_EQ(stream.Finish(), DigestOf("new"));
}

TEST(DigestTest, FinishMayBeCalledInTheMiddle) {
  DigestStream stream;
  stream.Update("ab");
  EXPECT_EQ(stream.Finish(), DigestOf("ab"));
  stream.Update("cd");
  EXPECT_EQ(stream.Finish(), DigestOf("abcd"));
}

RC_GTEST_PROP(DigestTest, PiecesGiveTheDigestOfTheWhole, (const std::vector<std::string>& pieces)) {
  DigestStream stream;
  std::string whole;
  for (const std::string& piece : pieces) {
    stream.Update(piece);
    whole += piece;
  }
  RC_ASSERT(stream.Finish() == DigestOf(whole));
}

Digest OfFields(const std::vector<std::string>& fields) {
  FieldsDigest digest;
  for (const std::string& field : fields) digest.Add(field);
  return digest.Finish();
}

TEST(FieldsDigestTest, KnowsWhereAFieldEnds) {
  EXPECT_EQ(OfFields({"ab", "c"}), OfFields({"ab", "c"}));
  EXPECT_NE(OfFields({"ab", "c"}), OfFields({"a", "bc"}));
  EXPECT_NE(OfFields({"ab", "c"}), OfFields({"c", "ab"}));
  EXPECT_NE(OfFields({"ab"}), OfFields({"ab", ""}));
}

}  // namespace
}  // namespace millrace
