#include "master/sqlite_journal.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "master/journal_contract.h"

namespace millrace {
namespace {

using testing::HasSubstr;

std::string NewPath() {
  static int count = 0;
  std::string path = testing::TempDir() + "/journal-" + std::to_string(getpid()) + "-" +
                     std::to_string(++count) + ".db";
  for (const char* suffix : {"", "-wal", "-shm"}) std::remove((path + suffix).c_str());
  return path;
}

std::unique_ptr<SqliteJournal> OpenOrDie(const std::string& path) {
  auto journal = SqliteJournal::Open(path);
  EXPECT_EQ(journal.status(), absl::OkStatus());
  return *std::move(journal);
}

class SqliteJournalUnderTest {
 public:
  Journal& journal() { return *journal_; }
  // The process is gone; its files are as they are.
  void Crash() { Reopen(); }
  void Reopen() {
    journal_.reset();
    journal_ = OpenOrDie(path_);
  }

 private:
  const std::string path_ = NewPath();
  std::unique_ptr<SqliteJournal> journal_ = OpenOrDie(path_);
};

INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, JournalContract, SqliteJournalUnderTest);

TEST(SqliteJournalTest, ASecondOpenerIsRefused) {
  const std::string path = NewPath();
  auto first = OpenOrDie(path);
  ASSERT_TRUE(first->Append({{1, "a"}}).ok());
  ASSERT_TRUE(first->Sync().ok());
  const absl::Status second = SqliteJournal::Open(path).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.message()), HasSubstr(path));
}

TEST(SqliteJournalTest, AFileThatIsNoDatabaseIsNamed) {
  const std::string path = NewPath();
  std::ofstream(path) << std::string(8192, 'x');
  const absl::Status status = SqliteJournal::Open(path).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  EXPECT_THAT(std::string(status.message()), HasSubstr("damaged or no journal"));
}

TEST(SqliteJournalTest, AMissingFolderIsNamed) {
  const absl::Status status = SqliteJournal::Open("/nowhere/at/all/journal.db").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nowhere/at/all/journal.db"));
}

TEST(SqliteJournalTest, DamageInTheMiddleIsFoundWhenReading) {
  const std::string path = NewPath();
  auto journal = OpenOrDie(path);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(journal->Append({{1, std::string(4000, 'a')}}).ok());
  ASSERT_TRUE(journal->Close().ok());
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(3 * 4096);
    file << std::string(200 * 1024, '\xff');
  }
  auto damaged = SqliteJournal::Open(path);
  absl::Status status = damaged.status();
  if (status.ok()) {
    status = (*damaged)->ReadAll([](uint64_t, const JournalEntry&) { return absl::OkStatus(); });
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace millrace
