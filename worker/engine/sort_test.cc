#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "worker/engine/key_order.h"
#include "worker/engine/short_sort.h"
#include "worker/engine/string_sort.h"

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

TEST(StringSortTest, TrailingZerosCount) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < 200; ++i) keys.push_back("eight by" + std::string(i % 12, '\0'));
  EXPECT_EQ(SortedIndices(keys), StableSortedIndices(keys));
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

RC_GTEST_PROP(ShortSortProperty, EqualsASortOfStrings, ()) {
  std::vector<std::string> keys = *ManyKeys();
  for (std::string& key : keys) key.resize(std::min(key.size(), kShortKeyBytes));
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::vector<ShortElement> elements;
  for (size_t i = 0; i < keys.size(); ++i) {
    elements.push_back({KeyOrderOf(keys[i]), static_cast<int64_t>(i)});
  }
  for (size_t i = elements.size(); i > 1; --i) {
    std::swap(elements[i - 1], elements[*rc::gen::inRange<size_t>(0, i)]);
  }
  std::vector<ShortElement> scratch(elements.size());
  SortShort(elements.data(), elements.size(), scratch.data());
  for (size_t i = 0; i < keys.size(); ++i) {
    RC_ASSERT(elements[i].value == static_cast<int64_t>(i));
    RC_ASSERT(ShortKeyOf(elements[i].order).view() == keys[i]);
  }
}

RC_GTEST_PROP(KeyOrderProperty, ComparesLikeTheKeys, (const std::string& a, const std::string& b)) {
  const KeyOrder order_a = KeyOrderOf(a);
  const KeyOrder order_b = KeyOrderOf(b);
  if (order_a == order_b) {
    RC_ASSERT(a == b || (order_a.is_long() && a.substr(0, 15) == b.substr(0, 15)));
  } else {
    RC_ASSERT((order_a < order_b) == (a < b));
  }
  const std::string padded = a + std::string(16, '?');
  RC_ASSERT(KeyOrderWithSlack(std::string_view(padded).substr(0, a.size())) == order_a);
}

}  // namespace
}  // namespace millrace
