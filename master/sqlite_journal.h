// The journal of a master that outlives its process: one SQLite database in WAL mode with full
// synchronisation, so that Sync() is one commit and one sync of the disk.
//
// Calls between two Syncs share one open transaction. Opening an existing journal costs no sync;
// creating one costs several, once in the life of a state folder.
#ifndef MILLRACE_MASTER_SQLITE_JOURNAL_H_
#define MILLRACE_MASTER_SQLITE_JOURNAL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "master/journal.h"

struct sqlite3;
struct sqlite3_stmt;

namespace millrace {

class SqliteJournal : public Journal {
 public:
  // Opens the journal in file `path`, and creates it if there is none. kDataLoss: not a journal, or
  // damaged; kFailedPrecondition: of a newer format or open elsewhere.
  static absl::StatusOr<std::unique_ptr<SqliteJournal>> Open(const std::string& path);
  ~SqliteJournal() override;
  SqliteJournal(const SqliteJournal&) = delete;
  SqliteJournal& operator=(const SqliteJournal&) = delete;

  absl::StatusOr<uint64_t> Append(const std::vector<JournalEntry>& entries) override;
  absl::Status Sync() override;
  absl::Status ReadAll(const Taker& take) override;
  absl::Status Replace(uint64_t topic, std::string_view bytes) override;
  absl::Status Remove(uint64_t topic) override;
  absl::Status Close() override;

 private:
  explicit SqliteJournal(std::string path);

  absl::Status OpenDatabase();
  absl::Status CheckOrCreateFormat();
  absl::Status CreateFormat();
  absl::Status PrepareStatements();
  absl::Status ReadLastSequence();

  absl::Status BeginIfNeeded();
  absl::Status Insert(uint64_t topic, std::string_view bytes);
  absl::Status Delete(uint64_t topic);
  absl::Status Execute(const char* sql);
  // Remembers the first failure: after it nothing is known about the file.
  absl::Status Failed(absl::Status status);
  // What SQLite's result code means here, with the path and what to do about it.
  absl::Status ErrorOf(int code, std::string_view what) const;

  const std::string path_;
  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* delete_ = nullptr;
  bool in_transaction_ = false;
  uint64_t last_sequence_ = 0;
  absl::Status failure_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_SQLITE_JOURNAL_H_
