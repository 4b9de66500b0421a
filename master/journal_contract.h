// What every journal promises, as one suite: instantiate it with a way to open the journal and a
// way to crash its owner.
//
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, JournalContract, MemoryJournalUnderTest);
//
// The type under test has `Journal& journal()`, `void Crash()` (what was not synced may be gone;
// the journal is open again) and `void Reopen()` (after an orderly Close).
#ifndef MILLRACE_MASTER_JOURNAL_CONTRACT_H_
#define MILLRACE_MASTER_JOURNAL_CONTRACT_H_

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "master/journal.h"

namespace millrace {

template <typename JournalUnderTest>
class JournalContract : public ::testing::Test {
 protected:
  Journal& journal() { return under_test_.journal(); }

  void Append(uint64_t topic, const std::string& bytes) {
    ASSERT_TRUE(journal().Append({JournalEntry{topic, bytes}}).ok());
  }
  void Sync() { ASSERT_EQ(journal().Sync(), absl::OkStatus()); }

  // "TOPIC:BYTES" of every entry.
  std::vector<std::string> Entries() {
    std::vector<std::string> entries;
    EXPECT_EQ(journal().ReadAll([&entries](uint64_t, const JournalEntry& entry) {
      entries.push_back(std::to_string(entry.topic) + ":" + entry.bytes);
      return absl::OkStatus();
    }),
              absl::OkStatus());
    return entries;
  }

  JournalUnderTest under_test_;
};

TYPED_TEST_SUITE_P(JournalContract);

TYPED_TEST_P(JournalContract, StartsEmpty) { EXPECT_THAT(this->Entries(), testing::IsEmpty()); }

TYPED_TEST_P(JournalContract, KeepsEntriesInTheOrderAppended) {
  this->Append(2, "a");
  this->Append(1, "b");
  this->Append(2, "c");
  EXPECT_THAT(this->Entries(), testing::ElementsAre("2:a", "1:b", "2:c"));
}

TYPED_TEST_P(JournalContract, KeepsAnyBytes) {
  std::string bytes(100000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  this->Append(1, bytes);
  this->Append(1, "");
  EXPECT_THAT(this->Entries(), testing::ElementsAre("1:" + bytes, "1:"));
}

TYPED_TEST_P(JournalContract, SequenceNumbersGrowByOneForEachEntry) {
  EXPECT_EQ(*this->journal().Append({{1, "a"}, {1, "b"}}), 2);
  EXPECT_EQ(*this->journal().Append({{1, "c"}}), 3);
  EXPECT_EQ(*this->journal().Append({}), 3);
  std::vector<uint64_t> numbers;
  ASSERT_EQ(this->journal().ReadAll([&numbers](uint64_t sequence, const JournalEntry&) {
    numbers.push_back(sequence);
    return absl::OkStatus();
  }),
            absl::OkStatus());
  EXPECT_THAT(numbers, testing::ElementsAre(1, 2, 3));
}

TYPED_TEST_P(JournalContract, SequenceNumbersAreNotReusedAfterRemoval) {
  this->Append(1, "a");
  ASSERT_EQ(this->journal().Remove(1), absl::OkStatus());
  ASSERT_EQ(this->journal().Close(), absl::OkStatus());
  this->under_test_.Reopen();
  EXPECT_EQ(*this->journal().Append({{1, "b"}}), 2);
}

TYPED_TEST_P(JournalContract, WhatWasSyncedSurvivesACrash) {
  this->Append(1, "a");
  this->Append(1, "b");
  this->Sync();
  this->under_test_.Crash();
  EXPECT_THAT(this->Entries(), testing::ElementsAre("1:a", "1:b"));
}

TYPED_TEST_P(JournalContract, ACrashLosesAtMostATail) {
  this->Append(1, "a");
  this->Sync();
  this->Append(1, "b");
  ASSERT_EQ(this->journal().Remove(1), absl::OkStatus());
  this->Append(1, "c");
  this->under_test_.Crash();
  // Each prefix of what was done since the sync is a legal memory; nothing else is.
  EXPECT_THAT(this->Entries(),
              testing::AnyOf(testing::ElementsAre("1:a"), testing::ElementsAre("1:a", "1:b"),
                             testing::IsEmpty(), testing::ElementsAre("1:c")));
}

TYPED_TEST_P(JournalContract, LifeGoesOnAfterACrash) {
  this->Append(1, "a");
  this->Sync();
  this->Append(1, "lost?");
  this->under_test_.Crash();
  this->Append(2, "b");
  this->Sync();
  this->under_test_.Crash();
  const std::vector<std::string> entries = this->Entries();
  EXPECT_EQ(entries.front(), "1:a");
  EXPECT_EQ(entries.back(), "2:b");
}

TYPED_TEST_P(JournalContract, CloseSyncs) {
  this->Append(1, "a");
  ASSERT_EQ(this->journal().Close(), absl::OkStatus());
  this->under_test_.Reopen();
  EXPECT_THAT(this->Entries(), testing::ElementsAre("1:a"));
}

TYPED_TEST_P(JournalContract, AClosedJournalRefusesEverything) {
  ASSERT_EQ(this->journal().Close(), absl::OkStatus());
  EXPECT_FALSE(this->journal().Append({{1, "a"}}).ok());
  EXPECT_FALSE(this->journal().Sync().ok());
}

TYPED_TEST_P(JournalContract, ReplaceLeavesOneEntryOfATopicAtTheEnd) {
  this->Append(1, "a");
  this->Append(2, "b");
  this->Append(1, "c");
  ASSERT_EQ(this->journal().Replace(1, "all of 1"), absl::OkStatus());
  EXPECT_THAT(this->Entries(), testing::ElementsAre("2:b", "1:all of 1"));
  this->Sync();
  this->under_test_.Crash();
  EXPECT_THAT(this->Entries(), testing::ElementsAre("2:b", "1:all of 1"));
}

TYPED_TEST_P(JournalContract, RemoveLeavesNothingOfATopic) {
  this->Append(1, "a");
  this->Append(2, "b");
  ASSERT_EQ(this->journal().Remove(1), absl::OkStatus());
  ASSERT_EQ(this->journal().Remove(77), absl::OkStatus());
  EXPECT_THAT(this->Entries(), testing::ElementsAre("2:b"));
}

TYPED_TEST_P(JournalContract, ReadingStopsAtTheReadersError) {
  this->Append(1, "a");
  this->Append(1, "b");
  int seen = 0;
  EXPECT_EQ(this->journal().ReadAll([&seen](uint64_t, const JournalEntry&) {
    ++seen;
    return absl::DataLossError("no");
  }),
            absl::DataLossError("no"));
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(this->Entries().size(), 2);  // the journal itself is fine
}

REGISTER_TYPED_TEST_SUITE_P(JournalContract, StartsEmpty, KeepsEntriesInTheOrderAppended,
                            KeepsAnyBytes, SequenceNumbersGrowByOneForEachEntry,
                            SequenceNumbersAreNotReusedAfterRemoval, WhatWasSyncedSurvivesACrash,
                            ACrashLosesAtMostATail, LifeGoesOnAfterACrash, CloseSyncs,
                            AClosedJournalRefusesEverything, ReplaceLeavesOneEntryOfATopicAtTheEnd,
                            RemoveLeavesNothingOfATopic, ReadingStopsAtTheReadersError);

}  // namespace millrace

#endif  // MILLRACE_MASTER_JOURNAL_CONTRACT_H_
