#include "rpc/call_database.h"

#include <sqlite3.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/failpoint.h"

namespace millrace {
namespace {

// "MRC1": tells our files from any other SQLite database.
constexpr int kApplicationId = 0x4d524331;

// Numbers of 64 bits are stored with the sign that SQLite's have.
constexpr char kSchema[] =
    "CREATE TABLE call_client (high INTEGER, low INTEGER, session INTEGER NOT NULL, "
    "seen_up_to INTEGER NOT NULL, PRIMARY KEY (high, low)) WITHOUT ROWID;"
    "CREATE TABLE call_reply (high INTEGER, low INTEGER, sequence INTEGER, "
    "refused INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (high, low, sequence)) "
    "WITHOUT ROWID;";

uint64_t Number(sqlite3_stmt* row, int column) {
  return static_cast<uint64_t>(sqlite3_column_int64(row, column));
}

ClientId Client(sqlite3_stmt* row) { return {Number(row, 0), Number(row, 1)}; }

std::string Bytes(sqlite3_stmt* row, int column) {
  const char* const bytes = static_cast<const char*>(sqlite3_column_blob(row, column));
  const auto length = static_cast<size_t>(sqlite3_column_bytes(row, column));
  return bytes == nullptr ? "" : std::string(bytes, length);
}

}  // namespace

void CallDatabase::Closer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

CallDatabase::~CallDatabase() {
  for (Statement* statement :
       {&keep_, &see_, &forget_client_, &forget_replies_, &forget_seen_, &insert_reply_}) {
    statement->reset();
  }
  sqlite3_close(database_);  // a transaction that is open is rolled back
}

// --- Opening ---

absl::StatusOr<std::unique_ptr<CallDatabase>> CallDatabase::Open(const std::string& path,
                                                                 const std::string& schema) {
  auto database = std::unique_ptr<CallDatabase>(new CallDatabase(path));
  MILLRACE_RETURN_IF_ERROR(database->OpenFile());
  MILLRACE_RETURN_IF_ERROR(database->CheckOrCreate(schema));
  MILLRACE_RETURN_IF_ERROR(database->Prepare());
  return database;
}

absl::Status CallDatabase::OpenFile() {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path_.c_str(), &database_, flags, nullptr);
  if (code != SQLITE_OK) return ErrorOf(code);
  sqlite3_extended_result_codes(database_, 1);
  // EXCLUSIVE: two servers on one database would each execute what they have not seen.
  return Execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL;");
}

absl::Status CallDatabase::CheckOrCreate(const std::string& schema) {
  MILLRACE_ASSIGN_OR_RETURN(const int64_t application, ReadInteger("PRAGMA application_id"));
  if (application == kApplicationId) return absl::OkStatus();
  MILLRACE_ASSIGN_OR_RETURN(const int64_t tables,
                            ReadInteger("SELECT count(*) FROM sqlite_master"));
  if (application != 0 || tables != 0) {
    return absl::DataLossError(
        absl::StrCat(path_, ": is a database of something else; choose another file"));
  }
  // The write-ahead mode is a property of the file: set once, at birth.
  MILLRACE_RETURN_IF_ERROR(Execute("PRAGMA journal_mode = WAL;"));
  return Execute(absl::StrCat("BEGIN;", kSchema, schema,
                              ";PRAGMA application_id = ", kApplicationId, ";COMMIT;"));
}

absl::StatusOr<int64_t> CallDatabase::ReadInteger(const char* sql) {
  MILLRACE_ASSIGN_OR_RETURN(const Statement statement, Compile(sql));
  const int code = sqlite3_step(statement.get());
  if (code != SQLITE_ROW) return ErrorOf(code);
  return sqlite3_column_int64(statement.get(), 0);
}

absl::Status CallDatabase::Prepare() {
  const std::pair<Statement*, const char*> statements[] = {
      {&keep_,
       "INSERT INTO call_client (high, low, session, seen_up_to) VALUES (?, ?, ?, 0) "
       "ON CONFLICT DO NOTHING"},
      {&see_,
       "UPDATE call_client SET seen_up_to = max(seen_up_to, ?3) WHERE high = ?1 AND low = ?2"},
      {&forget_client_, "DELETE FROM call_client WHERE high = ? AND low = ?"},
      {&forget_replies_, "DELETE FROM call_reply WHERE high = ? AND low = ?"},
      {&forget_seen_, "DELETE FROM call_reply WHERE high = ? AND low = ? AND sequence <= ?"},
      {&insert_reply_,
       "INSERT INTO call_reply (high, low, sequence, refused, bytes) VALUES (?, ?, ?, ?, ?)"},
  };
  for (const auto& [statement, sql] : statements) {
    MILLRACE_ASSIGN_OR_RETURN(*statement, Compile(sql));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ClientRecord>> CallDatabase::ReadClients() {
  std::vector<ClientRecord> clients;
  MILLRACE_ASSIGN_OR_RETURN(
      const Statement statement,
      Compile("SELECT high, low, session, seen_up_to FROM call_client ORDER BY high, low"));
  sqlite3_stmt* const row = statement.get();
  int code;
  while ((code = sqlite3_step(row)) == SQLITE_ROW) {
    clients.push_back({Client(row), Number(row, 2), Number(row, 3), {}});
  }
  if (code != SQLITE_DONE) return ErrorOf(code);
  MILLRACE_RETURN_IF_ERROR(ReadReplies(&clients));
  return clients;
}

// In the same order as the clients.
absl::Status CallDatabase::ReadReplies(std::vector<ClientRecord>* clients) {
  MILLRACE_ASSIGN_OR_RETURN(const Statement statement,
                            Compile("SELECT high, low, sequence, refused, bytes FROM call_reply "
                                    "ORDER BY high, low, sequence"));
  sqlite3_stmt* const row = statement.get();
  auto client = clients->begin();
  int code;
  while ((code = sqlite3_step(row)) == SQLITE_ROW) {
    while (client != clients->end() && !(client->client == Client(row))) ++client;
    if (client == clients->end()) {
      return absl::DataLossError(absl::StrCat(path_, ": has replies to a client that it lacks"));
    }
    const CallReply reply{Number(row, 3) != 0, Bytes(row, 4)};
    client->replies.push_back({Number(row, 2), reply});
  }
  return code == SQLITE_DONE ? absl::OkStatus() : ErrorOf(code);
}

// --- Within a transaction ---

absl::Status CallDatabase::Begin() { return Execute("BEGIN"); }

absl::Status CallDatabase::Keep(const ClientId& client, uint64_t session) {
  return Run(keep_.get(), {client.high, client.low, session});
}

absl::Status CallDatabase::Forget(const ClientId& client) {
  MILLRACE_RETURN_IF_ERROR(Run(forget_client_.get(), {client.high, client.low}));
  return Run(forget_replies_.get(), {client.high, client.low});
}

absl::StatusOr<CallReply> CallDatabase::ExecuteOnce(const CallHeader& header,
                                                    const std::string& request,
                                                    const CallTransaction& transaction) {
  MILLRACE_ASSIGN_OR_RETURN(CallReply reply, Execute(header, request, transaction));
  const ClientId& client = header.client;
  MILLRACE_RETURN_IF_ERROR(Run(forget_seen_.get(), {client.high, client.low, header.seen_up_to}));
  MILLRACE_RETURN_IF_ERROR(Run(see_.get(), {client.high, client.low, header.seen_up_to}));
  if (sqlite3_changes(database_) != 1) {
    return absl::InternalError(absl::StrCat(path_, ": a client makes calls that is not kept"));
  }
  sqlite3_bind_blob64(insert_reply_.get(), 5, reply.bytes.data(), reply.bytes.size(),
                      SQLITE_STATIC);
  MILLRACE_RETURN_IF_ERROR(Run(insert_reply_.get(), {client.high, client.low, header.sequence,
                                                     static_cast<uint64_t>(reply.refused)}));
  return reply;
}

absl::StatusOr<CallReply> CallDatabase::Execute(const CallHeader& header,
                                                const std::string& request,
                                                const CallTransaction& transaction) {
  PassFailpoint(Failpoint::kCallBegin);
  MILLRACE_RETURN_IF_ERROR(Execute("SAVEPOINT call"));
  MILLRACE_ASSIGN_OR_RETURN(CallReply reply, transaction(*database_, header, request));
  if (reply.refused) MILLRACE_RETURN_IF_ERROR(Execute("ROLLBACK TO call"));
  MILLRACE_RETURN_IF_ERROR(Execute("RELEASE call"));
  return reply;
}

absl::Status CallDatabase::Commit() {
  MILLRACE_RETURN_IF_ERROR(CheckFailpoint(Failpoint::kCallBeforeCommit));
  MILLRACE_RETURN_IF_ERROR(Execute("COMMIT"));
  PassFailpoint(Failpoint::kCallAfterCommit);
  return absl::OkStatus();
}

// --- SQLite ---

absl::StatusOr<CallDatabase::Statement> CallDatabase::Compile(const char* sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(database_, sql, -1, &raw, nullptr);
  Statement statement(raw);
  if (code != SQLITE_OK) return ErrorOf(code);
  return statement;
}

absl::Status CallDatabase::Run(sqlite3_stmt* statement, std::initializer_list<uint64_t> numbers) {
  int parameter = 0;
  for (uint64_t number : numbers) {
    sqlite3_bind_int64(statement, ++parameter, static_cast<int64_t>(number));
  }
  const int code = sqlite3_step(statement);
  absl::Status status = code == SQLITE_DONE ? absl::OkStatus() : ErrorOf(code);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);  // bytes are the caller's
  return status;
}

absl::Status CallDatabase::Execute(const std::string& sql) {
  const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(code);
}

absl::Status CallDatabase::ErrorOf(int code) const {
  const char* const what = database_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database_);
  const std::string message = absl::StrCat(path_, ": ", what, " (SQLite ", code, ")");
  switch (code & 0xff) {  // the primary code; the rest is detail
    case SQLITE_FULL: return absl::ResourceExhaustedError(message);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: return absl::DataLossError(message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::FailedPreconditionError(
          absl::StrCat(path_, ": another process has it open; stop that one first"));
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return absl::PermissionDeniedError(
          absl::StrCat(message, "; does its folder exist, and is it ours?"));
    default: return absl::InternalError(message);
  }
}

}  // namespace millrace
