// Each mask and walk, compared with a loop over bytes.
#include "mapreduce/byte_masks.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace millrace {
namespace {

// Four blocks with every byte there is.
std::string EveryByte() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

void ExpectMask(uint64_t (*mask_of)(const char*), const std::function<bool(unsigned char)>& test) {
  const std::string bytes = EveryByte();
  for (size_t block = 0; block < bytes.size(); block += kMaskBytes) {
    const uint64_t mask = mask_of(bytes.data() + block);
    for (size_t i = 0; i < kMaskBytes; ++i) {
      const auto byte = static_cast<unsigned char>(bytes[block + i]);
      EXPECT_EQ((mask >> i & 1) != 0, test(byte)) << static_cast<int>(byte);
    }
  }
}

TEST(ByteMasksTest, MarkTheBytesThatTheyAreNamedAfter) {
  ExpectMask([](const char* block) { return MaskOfByte(block, '\n'); },
             [](unsigned char c) { return c == '\n'; });
  ExpectMask([](const char* block) { return MaskOfByte(block, '\xff'); },
             [](unsigned char c) { return c == 0xff; });
  ExpectMask(MaskOfWordBytes, [](unsigned char c) { return c != ' ' && (c < '\t' || c > '\r'); });
  ExpectMask(MaskOfAsciiLetters,
             [](unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  ExpectMask(MaskOfNonAscii, [](unsigned char c) { return c >= 0x80; });
}

TEST(CountByteTest, CountsMoreThanOneByteCanHold) {
  // 255 steps of 16 bytes fit into the byte counters; the next one must not overflow them.
  for (const size_t size : {0, 1, 15, 16, 17, 16 * 255, 16 * 256, 16 * 600 + 7}) {
    EXPECT_EQ(CountByte(std::string(size, '\n'), '\n'), size);
    EXPECT_EQ(CountByte(std::string(size, 'x'), '\n'), 0u);
  }
}

RC_GTEST_PROP(CountByteProperty, EqualsACount, (const std::string& bytes, char wanted)) {
  RC_ASSERT(CountByte(bytes, wanted) ==
            static_cast<size_t>(std::count(bytes.begin(), bytes.end(), wanted)));
}

// Texts of up to several blocks, of letters and spaces.
rc::Gen<std::string> AnyText() {
  return rc::gen::resize(300, rc::gen::container<std::string>(rc::gen::element('a', 'b', ' ')));
}

RC_GTEST_PROP(ForEachBlockProperty, BlocksTileTheDataAndARestIsPadded, ()) {
  const std::string text = *AnyText();
  std::string seen;
  ForEachBlock(text, '#', [&](const char* block, const char* readable, size_t size) {
    RC_ASSERT(block == text.data() + seen.size());
    RC_ASSERT(size == std::min(kMaskBytes, text.size() - seen.size()));
    RC_ASSERT(std::string(readable, size) == std::string(block, size));
    RC_ASSERT(std::string(readable + size, kMaskBytes - size) ==
              std::string(kMaskBytes - size, '#'));
    seen.append(block, size);
  });
  RC_ASSERT(seen == text);
}

RC_GTEST_PROP(ForEachRunProperty, GivesTheMaximalRunsInOrder, ()) {
  const std::string text = *AnyText();
  std::vector<std::string> expected;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (i == 0 || text[i - 1] == ' ') expected.emplace_back();
    expected.back().push_back(text[i]);
  }
  std::vector<std::string> runs;
  size_t blocks = 0;
  ForEachRun(
      text, ' ',
      [](const char* readable, const char*, size_t) { return MaskOfWordBytes(readable); },
      [&runs](std::string_view run) { runs.emplace_back(run); },
      [&blocks, &text](const char* block) { RC_ASSERT(block == text.data() + 64 * blocks++); });
  RC_ASSERT(runs == expected);
  RC_ASSERT(blocks == (text.size() + 63) / 64);
}

}  // namespace
}  // namespace millrace
