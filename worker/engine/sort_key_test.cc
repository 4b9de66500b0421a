#include "worker/engine/sort_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

using TextPair = std::pair<std::string, std::string>;

JobDescription SortedValues() {
  JobDescription job;
  job.sort_values = true;
  return job;
}

JobDescription Fields(uint32_t key_fields, uint32_t sort_fields = 0) {
  JobDescription job;
  job.key_fields = key_fields;
  job.sort_fields = sort_fields;
  return job;
}

// What travels: a record of a run.
struct Travelling {
  std::string sort_key;
  std::string rest;
  std::string_view key() const { return sort_key; }
  std::string_view value() const { return rest; }
};

// Both ends of the way: what a reducer sees of `pairs`, in the order in which it sees them.
std::vector<TextPair> Ordered(const JobDescription& job, const std::vector<TextPair>& pairs) {
  SortKeyMaker maker(job);
  std::vector<Travelling> records;
  for (const auto& [key, value] : pairs) {
    maker.Make(key, value);
    records.push_back({std::string(maker.sort_key()), std::string(maker.rest())});
  }
  std::stable_sort(records.begin(), records.end(), [](const Travelling& a, const Travelling& b) {
    return a.sort_key < b.sort_key;
  });
  SortKeyReader reader(job);
  std::vector<TextPair> seen;
  for (const Travelling& record : records) {
    if (seen.empty() || !reader.Equals(record)) reader.Save(record);
    const std::string key(reader.view());
    seen.emplace_back(key, reader.ValueOf(record));
  }
  return seen;
}

TEST(SortKeyTest, WholeValuesComeInByteOrder) {
  EXPECT_THAT(
      Ordered(SortedValues(), {{"b", "2"}, {"a", "9"}, {"b", ""}, {"a", "10"}, {"b", "2"}}),
      ElementsAre(Pair("a", "10"), Pair("a", "9"), Pair("b", ""), Pair("b", "2"), Pair("b", "2")));
}

TEST(SortKeyTest, TheFirstFieldsOfTheRecordAreTheKey) {
  SortKeyMaker maker(Fields(2));
  maker.Make("a\tb", "c\td");
  EXPECT_EQ(maker.key(), "a\tb");
  EXPECT_THAT(
      Ordered(Fields(2), {{"a", "b\tc\td"}, {"a\tb", "c"}, {"a\tb\t", ""}, {"a", "b"}}),
      ElementsAre(Pair("a\tb", "c\td"), Pair("a\tb", "c"), Pair("a\tb", "\t"), Pair("a\tb", "")));
  EXPECT_THAT(Ordered(Fields(1), {{"a\tb", "c"}}), ElementsAre(Pair("a", "b\tc")));
}

TEST(SortKeyTest, ARecordOfFewerFieldsIsAKeyAsAWhole) {
  EXPECT_THAT(Ordered(Fields(3), {{"a", "b"}}), ElementsAre(Pair("a\tb", "")));
  EXPECT_THAT(Ordered(Fields(3, 5), {{"a", "b"}}), ElementsAre(Pair("a\tb", "")));
}

TEST(SortKeyTest, ValuesComeInTheOrderOfTheirFirstFieldsAndElseAsTheyWereEmitted) {
  EXPECT_THAT(
      Ordered(Fields(1, 2), {{"a", "2\tx"}, {"a", "10\tz"}, {"a", "2\ta"}, {"a", "10\ty"}}),
      ElementsAre(Pair("a", "10\tz"), Pair("a", "10\ty"), Pair("a", "2\tx"), Pair("a", "2\ta")));
}

TEST(SortKeyTest, FieldsAreComparedOneByOne) {
  // As bytes of one string the first would stay first: 01 is less than a tab.
  EXPECT_THAT(Ordered(Fields(1, 3), {{"k", "a\x01\tx"}, {"k", "a\tz"}}),
              ElementsAre(Pair("k", "a\tz"), Pair("k", "a\x01\tx")));
}

TEST(SortKeyTest, AFieldThatIsMissingComesBeforeAnEmptyOne) {
  EXPECT_THAT(Ordered(Fields(1, 3), {{"k", "a\tb"}, {"k", "a\t"}, {"k", "a"}}),
              ElementsAre(Pair("k", "a"), Pair("k", "a\t"), Pair("k", "a\tb")));
}

TEST(SortKeyTest, FieldsMayBeTheKeyAndTheWholeRestTheOrder) {
  JobDescription job = Fields(2);
  job.sort_values = true;
  EXPECT_THAT(Ordered(job, {{"a", "b\td"}, {"a", "b\tc"}, {"a", "b"}}),
              ElementsAre(Pair("a\tb", ""), Pair("a\tb", "c"), Pair("a\tb", "d")));
}

// --- Properties ---

std::vector<TextPair> AnyPairs() {
  const auto text =
      rc::gen::container<std::string>(rc::gen::element('\0', '\x01', '\t', '\t', 'a', 'b', '\xff'));
  return *rc::gen::container<std::vector<TextPair>>(rc::gen::pair(text, text));
}

RC_GTEST_PROP(SortKeyProperty, WholeValuesAreOrderedLikeThePairs, ()) {
  std::vector<TextPair> pairs = AnyPairs();
  const std::vector<TextPair> seen = Ordered(SortedValues(), pairs);
  std::stable_sort(pairs.begin(), pairs.end());
  RC_ASSERT(seen == pairs);
}

std::vector<std::string> FieldsOf(const std::string& record) {
  std::vector<std::string> fields(1);
  for (const char c : record) {
    if (c == '\t') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::string Joined(const std::vector<std::string>& fields, size_t begin, size_t end) {
  std::string joined;
  for (size_t i = begin; i < std::min(end, fields.size()); ++i) {
    joined += (i == begin ? "" : "\t") + fields[i];
  }
  return joined;
}

RC_GTEST_PROP(SortKeyProperty, FieldsAreOrderedLikeLists, ()) {
  const auto key_fields = *rc::gen::inRange<uint32_t>(1, 4);
  const auto sort_fields = key_fields + *rc::gen::inRange<uint32_t>(0, 4);
  const std::vector<TextPair> pairs = AnyPairs();
  // (key, (fields to sort by, value))
  using Seen = std::pair<std::string, std::pair<std::vector<std::string>, std::string>>;
  std::vector<Seen> expected;
  for (const auto& [key, value] : pairs) {
    const std::vector<std::string> all = FieldsOf(key + "\t" + value);
    Seen seen;
    seen.first = Joined(all, 0, key_fields);
    for (size_t i = key_fields; i < std::min<size_t>(sort_fields, all.size()); ++i) {
      seen.second.first.push_back(all[i]);
    }
    seen.second.second = Joined(all, key_fields, all.size());
    expected.push_back(seen);
  }
  std::stable_sort(expected.begin(), expected.end(), [](const Seen& a, const Seen& b) {
    return std::tie(a.first, a.second.first) < std::tie(b.first, b.second.first);
  });
  std::vector<TextPair> plain;
  for (const Seen& seen : expected) plain.emplace_back(seen.first, seen.second.second);
  RC_ASSERT(Ordered(Fields(key_fields, sort_fields), pairs) == plain);
}

}  // namespace
}  // namespace millrace
