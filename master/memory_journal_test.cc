#include "master/memory_journal.h"

#include "master/journal_contract.h"

namespace millrace {
namespace {

class MemoryJournalUnderTest {
 public:
  Journal& journal() { return journal_; }
  void Crash() { journal_.Crash(); }
  void Reopen() { journal_.Crash(); }  // Close has synced

 private:
  MemoryJournal journal_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, JournalContract, MemoryJournalUnderTest);

TEST(MemoryJournalTest, ACrashLosesEverythingSinceTheLastSync) {
  MemoryJournal journal;
  ASSERT_TRUE(journal.Append({{1, "a"}, {2, "b"}}).ok());
  ASSERT_TRUE(journal.Sync().ok());
  ASSERT_TRUE(journal.Append({{1, "c"}}).ok());
  ASSERT_TRUE(journal.Replace(1, "d").ok());
  ASSERT_TRUE(journal.Remove(2).ok());
  journal.Crash();
  std::string all;
  ASSERT_TRUE(journal
                  .ReadAll([&all](uint64_t, const JournalEntry& entry) {
                    all += entry.bytes;
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(all, "ab");
}

TEST(MemoryJournalTest, ASyncOfNothingIsNotCounted) {
  MemoryJournal journal;
  ASSERT_TRUE(journal.Sync().ok());
  ASSERT_TRUE(journal.Append({{1, "a"}}).ok());
  ASSERT_TRUE(journal.Sync().ok());
  ASSERT_TRUE(journal.Sync().ok());
  EXPECT_EQ(journal.sync_count(), 1);
}

}  // namespace
}  // namespace millrace
