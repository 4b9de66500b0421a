#include "master/sqlite_journal.h"

#include <sqlite3.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "mapreduce/strings.h"

namespace millrace {
namespace {

// "MRJ1": tells our file from any other SQLite database.
constexpr int kApplicationId = 0x4d524a31;
constexpr int kFormatVersion = 1;

// Explicit row ids, kept in the file by AUTOINCREMENT's rule of never reusing one, are the sequence
// numbers. The index serves Replace and Remove.
constexpr char kSchema[] =
    "CREATE TABLE entry (sequence INTEGER PRIMARY KEY AUTOINCREMENT, topic INTEGER NOT NULL, "
    "bytes BLOB NOT NULL);"
    "CREATE INDEX entry_topic ON entry (topic);";

struct StatementCloser {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, StatementCloser>;

// What `sql`, which yields one integer, says; nullopt-like -1 when it yields none.
absl::StatusOr<int64_t> Integer(sqlite3* database, const char* sql, int* code) {
  sqlite3_stmt* raw = nullptr;
  *code = sqlite3_prepare_v2(database, sql, -1, &raw, nullptr);
  const Statement statement(raw);
  if (*code != SQLITE_OK) return absl::UnknownError(sql);
  *code = sqlite3_step(raw);
  if (*code == SQLITE_DONE) return 0;
  if (*code != SQLITE_ROW) return absl::UnknownError(sql);
  return sqlite3_column_int64(raw, 0);
}

}  // namespace

SqliteJournal::SqliteJournal(std::string path) : path_(std::move(path)) {}

SqliteJournal::~SqliteJournal() {
  sqlite3_finalize(insert_);
  sqlite3_finalize(delete_);
  sqlite3_close(database_);  // an open transaction is rolled back: it was never synced
}

absl::StatusOr<std::unique_ptr<SqliteJournal>> SqliteJournal::Open(const std::string& path) {
  auto journal = std::unique_ptr<SqliteJournal>(new SqliteJournal(path));
  MILLRACE_RETURN_IF_ERROR(journal->OpenDatabase());
  MILLRACE_RETURN_IF_ERROR(journal->CheckOrCreateFormat());
  MILLRACE_RETURN_IF_ERROR(journal->PrepareStatements());
  return journal;
}

absl::Status SqliteJournal::OpenDatabase() {
  // One thread at a time uses the connection, so SQLite needs no locks of its own.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path_.c_str(), &database_, flags, nullptr);
  if (code != SQLITE_OK) return ErrorOf(code, "open");
  sqlite3_extended_result_codes(database_, 1);
  // Exclusive locking keeps the index of the write-ahead log in memory: no shared-memory file, and
  // nobody else can open the journal. FULL: a commit returns after the log is synced.
  return Execute(
      "PRAGMA locking_mode = EXCLUSIVE;"
      "PRAGMA synchronous = FULL;"
      "PRAGMA wal_autocheckpoint = 4000;"  // pages of 4 KiB: a log of some 16 MB
      "PRAGMA cache_size = -2048;");
}

absl::Status SqliteJournal::CheckOrCreateFormat() {
  int code = SQLITE_OK;
  const absl::StatusOr<int64_t> application = Integer(database_, "PRAGMA application_id", &code);
  if (!application.ok()) return ErrorOf(code, "read");
  const absl::StatusOr<int64_t> tables =
      Integer(database_, "SELECT count(*) FROM sqlite_master", &code);
  if (!tables.ok()) return ErrorOf(code, "read");
  if (*tables == 0 && *application == 0) return CreateFormat();
  if (*application != kApplicationId) {
    return absl::DataLossError(absl::StrCat(path_,
                                            ": is a SQLite database, but no journal of a "
                                            "master; choose another state folder"));
  }
  const absl::StatusOr<int64_t> version = Integer(database_, "PRAGMA user_version", &code);
  if (!version.ok()) return ErrorOf(code, "read");
  if (*version == kFormatVersion) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(path_, ": is a journal of format ", *version, "; this master reads format ",
                   kFormatVersion, "; use the release that wrote it, or a new state folder"));
}

absl::Status SqliteJournal::CreateFormat() {
  // The write-ahead mode is a property of the file: set once, at birth.
  MILLRACE_RETURN_IF_ERROR(Execute("PRAGMA journal_mode = WAL;"));
  return Execute(absl::StrCat("BEGIN;", kSchema, "PRAGMA application_id = ", kApplicationId,
                              ";PRAGMA user_version = ", kFormatVersion, ";COMMIT;")
                     .c_str());
}

absl::Status SqliteJournal::PrepareStatements() {
  const char kInsert[] = "INSERT INTO entry (topic, bytes) VALUES (?, ?)";
  int code = sqlite3_prepare_v2(database_, kInsert, -1, &insert_, nullptr);
  if (code != SQLITE_OK) return ErrorOf(code, "read");
  const char kDelete[] = "DELETE FROM entry WHERE topic = ?";
  code = sqlite3_prepare_v2(database_, kDelete, -1, &delete_, nullptr);
  if (code != SQLITE_OK) return ErrorOf(code, "read");
  return ReadLastSequence();
}

absl::Status SqliteJournal::ReadLastSequence() {
  int code = SQLITE_OK;
  const absl::StatusOr<int64_t> last =
      Integer(database_, "SELECT seq FROM sqlite_sequence WHERE name = 'entry'", &code);
  if (!last.ok()) return ErrorOf(code, "read");
  last_sequence_ = static_cast<uint64_t>(*last);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> SqliteJournal::Append(const std::vector<JournalEntry>& entries) {
  MILLRACE_RETURN_IF_ERROR(BeginIfNeeded());
  for (const JournalEntry& entry : entries) {
    MILLRACE_RETURN_IF_ERROR(Insert(entry.topic, entry.bytes));
  }
  return last_sequence_;
}

absl::Status SqliteJournal::Sync() {
  MILLRACE_RETURN_IF_ERROR(failure_);
  if (!in_transaction_) return absl::OkStatus();
  MILLRACE_RETURN_IF_ERROR(Execute("COMMIT"));
  in_transaction_ = false;
  return absl::OkStatus();
}

absl::Status SqliteJournal::ReadAll(const Taker& take) {
  MILLRACE_RETURN_IF_ERROR(failure_);
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v2(database_, "SELECT sequence, topic, bytes FROM entry ORDER BY 1",
                                -1, &raw, nullptr);
  const Statement statement(raw);
  if (code != SQLITE_OK) return Failed(ErrorOf(code, "read"));
  while ((code = sqlite3_step(raw)) == SQLITE_ROW) {
    const char* bytes = static_cast<const char*>(sqlite3_column_blob(raw, 2));
    const size_t length = static_cast<size_t>(sqlite3_column_bytes(raw, 2));
    JournalEntry entry{static_cast<uint64_t>(sqlite3_column_int64(raw, 1)),
                       std::string(bytes == nullptr ? "" : bytes, length)};
    MILLRACE_RETURN_IF_ERROR(take(static_cast<uint64_t>(sqlite3_column_int64(raw, 0)), entry));
  }
  return code == SQLITE_DONE ? absl::OkStatus() : Failed(ErrorOf(code, "read"));
}

absl::Status SqliteJournal::Replace(uint64_t topic, std::string_view bytes) {
  MILLRACE_RETURN_IF_ERROR(Remove(topic));
  return Insert(topic, bytes);
}

absl::Status SqliteJournal::Remove(uint64_t topic) {
  MILLRACE_RETURN_IF_ERROR(BeginIfNeeded());
  return Delete(topic);
}

absl::Status SqliteJournal::Close() {
  MILLRACE_RETURN_IF_ERROR(Sync());
  failure_ = absl::FailedPreconditionError(absl::StrCat(path_, ": the journal has been closed"));
  sqlite3_finalize(std::exchange(insert_, nullptr));
  sqlite3_finalize(std::exchange(delete_, nullptr));
  const int code = sqlite3_close(database_);
  if (code != SQLITE_OK) return ErrorOf(code, "close");
  database_ = nullptr;
  return absl::OkStatus();
}

absl::Status SqliteJournal::BeginIfNeeded() {
  MILLRACE_RETURN_IF_ERROR(failure_);
  if (in_transaction_) return absl::OkStatus();
  MILLRACE_RETURN_IF_ERROR(Execute("BEGIN"));
  in_transaction_ = true;
  return absl::OkStatus();
}

absl::Status SqliteJournal::Insert(uint64_t topic, std::string_view bytes) {
  sqlite3_bind_int64(insert_, 1, static_cast<int64_t>(topic));
  sqlite3_bind_blob64(insert_, 2, bytes.data(), bytes.size(), SQLITE_STATIC);
  const int code = sqlite3_step(insert_);
  if (code != SQLITE_DONE) return Failed(ErrorOf(code, "write"));
  sqlite3_reset(insert_);
  sqlite3_clear_bindings(insert_);  // `bytes` is the caller's
  last_sequence_ = static_cast<uint64_t>(sqlite3_last_insert_rowid(database_));
  return absl::OkStatus();
}

absl::Status SqliteJournal::Delete(uint64_t topic) {
  sqlite3_bind_int64(delete_, 1, static_cast<int64_t>(topic));
  const int code = sqlite3_step(delete_);
  if (code != SQLITE_DONE) return Failed(ErrorOf(code, "write"));
  sqlite3_reset(delete_);
  return absl::OkStatus();
}

absl::Status SqliteJournal::Execute(const char* sql) {
  const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Failed(ErrorOf(code, "write"));
}

absl::Status SqliteJournal::Failed(absl::Status status) {
  if (failure_.ok()) failure_ = std::move(status);
  return failure_;
}

absl::Status SqliteJournal::ErrorOf(int code, std::string_view what) const {
  const std::string where = absl::StrCat(path_, ": cannot ", ToAbsl(what), " the journal: ");
  switch (code & 0xff) {  // the primary code; the rest is detail
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(absl::StrCat(
          where, "no space left on its file system; free some and restart the master"));
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return absl::DataLossError(
          absl::StrCat(where, "the file is damaged or no journal (", sqlite3_errstr(code),
                       "); restore a copy, or move it away to start without history"));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::FailedPreconditionError(
          absl::StrCat(where, "another process has it open; stop that one first"));
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return absl::PermissionDeniedError(
          absl::StrCat(where, sqlite3_errstr(code), "; does its folder exist, and is it ours?"));
    default:
      return absl::InternalError(absl::StrCat(
          where, database_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database_),
          " (SQLite ", code, ")"));
  }
}

}  // namespace millrace
