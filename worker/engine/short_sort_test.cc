#include "worker/engine/short_sort.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace millrace {
namespace {

// The keys in the order that SortShort gives them; the values have to stay with their keys.
std::vector<std::string> Sorted(const std::vector<std::string>& keys) {
  std::vector<ShortElement> elements;
  for (size_t i = 0; i < keys.size(); ++i) {
    elements.push_back({KeyOrderOf(keys[i]), static_cast<int64_t>(i)});
  }
  std::vector<ShortElement> scratch(elements.size());
  SortShort(elements.data(), elements.size(), scratch.data());
  std::vector<std::string> sorted;
  for (const ShortElement& element : elements) {
    sorted.emplace_back(ShortKeyOf(element.order).view());
    EXPECT_EQ(sorted.back(), keys[element.value]);
  }
  return sorted;
}

std::vector<std::string> InByteOrder(std::vector<std::string> keys) {
  std::sort(keys.begin(), keys.end());
  return keys;
}

TEST(ShortSortTest, NothingAndOneKeyAreSorted) {
  EXPECT_EQ(Sorted({}), std::vector<std::string>());
  EXPECT_EQ(Sorted({"a"}), std::vector<std::string>{"a"});
}

TEST(ShortSortTest, KeysThatDifferInOneByteOnlyWhereverItIs) {
  for (size_t at = 0; at < kShortKeyBytes; ++at) {
    std::vector<std::string> keys;
    for (int byte = 255; byte >= 0; --byte) {
      keys.push_back(std::string(kShortKeyBytes, 'k'));
      keys.back()[at] = static_cast<char>(byte);
    }
    EXPECT_EQ(Sorted(keys), InByteOrder(keys)) << at;
  }
}

TEST(ShortSortTest, KeysThatDifferInTheirSizeOnly) {
  std::vector<std::string> keys;
  for (const char fill : {'\0', 'a', '\xff', 'b'}) {
    for (size_t size = kShortKeyBytes; size > 0; --size) keys.push_back(std::string(size, fill));
  }
  EXPECT_EQ(Sorted(keys), InByteOrder(keys));
}

TEST(ShortSortTest, EqualKeysStayInTheirOrder) {
  for (const size_t count : {20, 200}) {  // a small group, and more
    std::vector<ShortElement> elements;
    for (size_t i = 0; i < count; ++i) {
      const std::string_view key = i % 3 == 0 ? "a key that has more" : "a key that has less";
      elements.push_back({KeyOrderOf(key), static_cast<int64_t>(i)});
    }
    std::vector<ShortElement> scratch(count);
    SortShort(elements.data(), count, scratch.data());
    for (size_t i = 1; i < count; ++i) EXPECT_LT(elements[i - 1].value, elements[i].value);
  }
}

RC_GTEST_PROP(ShortSortProperty, EqualsASortOfStrings, ()) {
  // Few letters, so that keys begin alike, and enough of them for more than a small group.
  const auto key = rc::gen::container<std::string>(rc::gen::element('a', 'b', '\0', '\xff'));
  std::vector<std::string> keys = *rc::gen::container<std::vector<std::string>>(200, key);
  for (std::string& k : keys) k.resize(std::min(k.size(), kShortKeyBytes));
  // Distinct, in any order.
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  const std::vector<std::string> expected = keys;
  for (size_t i = keys.size(); i > 1; --i) {
    std::swap(keys[i - 1], keys[*rc::gen::inRange<size_t>(0, i)]);
  }
  RC_ASSERT(Sorted(keys) == expected);
}

}  // namespace
}  // namespace millrace
