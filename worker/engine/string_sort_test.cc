#include "worker/engine/string_sort.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace millrace {
namespace {

// The indices of `keys` in the order that SortStrings gives them.
std::vector<uint64_t> SortedIndices(const std::vector<std::string>& keys) {
  std::vector<SortElement> elements;
  for (size_t i = 0; i < keys.size(); ++i) elements.push_back({PrefixOf(keys[i], 0), i});
  std::vector<SortElement> scratch(keys.size());
  SortStrings(elements.data(), elements.size(), scratch.data(),
              [&keys](uint64_t ref) { return std::string_view(keys[ref]); });
  std::vector<uint64_t> indices;
  indices.reserve(elements.size());
  for (const SortElement& element : elements) indices.push_back(element.ref);
  return indices;
}

std::vector<uint64_t> StableSortedIndices(const std::vector<std::string>& keys) {
  std::vector<uint64_t> indices;
  for (size_t i = 0; i < keys.size(); ++i) indices.push_back(i);
  std::stable_sort(indices.begin(), indices.end(),
                   [&keys](uint64_t a, uint64_t b) { return keys[a] < keys[b]; });
  return indices;
}

TEST(StringSortTest, NothingAndOneKeyAreSorted) {
  EXPECT_TRUE(SortedIndices({}).empty());
  EXPECT_EQ(SortedIndices({"a"}), std::vector<uint64_t>{0});
}

TEST(StringSortTest, EqualKeysKeepTheirOrder) {
  EXPECT_EQ(SortedIndices(std::vector<std::string>(1000, "the same long key")),
            StableSortedIndices(std::vector<std::string>(1000, "the same long key")));
}

TEST(StringSortTest, KeysThatContinueEachOther) {
  // Each key begins all later ones: the worst case for the depth of a radix sort.
  std::vector<std::string> keys;
  for (size_t size = 2000; size > 0; --size) keys.push_back(std::string(size, 'a'));
  EXPECT_EQ(SortedIndices(keys), StableSortedIndices(keys));
}

TEST(StringSortTest, KeysThatDifferInOneByteOnlyWhereverItIs) {
  for (const size_t count : {2, 20, 200}) {  // small groups, and more
    for (size_t at = 0; at < 60; ++at) {
      std::vector<std::string> keys;
      for (size_t i = 0; i < count; ++i) {
        keys.push_back(std::string(60, 'k'));
        keys.back()[at] = static_cast<char>(count - i);
      }
      EXPECT_EQ(SortedIndices(keys), StableSortedIndices(keys)) << at;
    }
  }
}

TEST(StringSortTest, TrailingZerosCount) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < 200; ++i) keys.push_back("eight by" + std::string(i % 12, '\0'));
  EXPECT_EQ(SortedIndices(keys), StableSortedIndices(keys));
}

TEST(StringSortTest, APrefixIsEightBytesMostSignificantFirst) {
  EXPECT_EQ(PrefixOf("abcdefghij", 0), 0x6162636465666768u);
  EXPECT_EQ(PrefixOf("abcdefghij", 2), 0x636465666768696au);
  EXPECT_EQ(PrefixOf("abcdefghij", 8), 0x696a000000000000u);
  EXPECT_EQ(PrefixOf("abcdefghij", 10), 0u);
  EXPECT_EQ(PrefixOf("\xff", 0), 0xff00000000000000u);
}

rc::Gen<std::vector<std::string>> ManyKeys() {
  // Few letters and common beginnings, so that groups are large and prefixes agree.
  const auto piece =
      rc::gen::element<std::string>("a", "b", "prefix__", std::string(1, '\0'), "\xff", "abcdefgh");
  const auto key = rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                                [](const std::vector<std::string>& pieces) {
                                  std::string joined;
                                  for (size_t i = 0; i < pieces.size() && i < 6; ++i) {
                                    joined += pieces[i];
                                  }
                                  return joined;
                                });
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(key),
                      [](std::vector<std::string> keys) {
                        const size_t count = keys.size();
                        for (size_t i = 0; i < 4 * count; ++i) keys.push_back(keys[i] + "x");
                        return keys;
                      });
}

RC_GTEST_PROP(StringSortProperty, EqualsAStableSort, ()) {
  const std::vector<std::string> keys = *ManyKeys();
  RC_ASSERT(SortedIndices(keys) == StableSortedIndices(keys));
}

}  // namespace
}  // namespace millrace
