// Effects of calls and the replies to them in one SQLite database, so that a transaction has both
// or none.
//
// A service has tables of its own beside those that are kept here: clients with their sessions, and
// of each the replies that it has not seen. What lies between Begin and Commit is one transaction
// and one sync of the disk. After an error nothing is known about the file: end the process, and
// let the next one read what is there.
//
// Blocks. Used by one thread at a time.
#ifndef MILLRACE_RPC_CALL_DATABASE_H_
#define MILLRACE_RPC_CALL_DATABASE_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/call_types.h"

struct sqlite3;
struct sqlite3_stmt;

namespace millrace {

// Executes one call: changes the service's tables within the transaction that is open, which it
// neither ends nor begins anew, and says what to reply. What a refused call has changed is undone.
// An error means that the service cannot go on at all. Must not throw.
using CallTransaction = std::function<absl::StatusOr<CallReply>(
    sqlite3& database, const CallHeader& header, const std::string& request)>;

class CallDatabase {
 public:
  // Opens the database in file `path`. If there is none, creates one with the service's tables:
  // `schema` is the SQL that makes them. kDataLoss: the file is something else, or damaged;
  // kFailedPrecondition: another process has it open.
  static absl::StatusOr<std::unique_ptr<CallDatabase>> Open(const std::string& path,
                                                            const std::string& schema);
  ~CallDatabase();
  CallDatabase(const CallDatabase&) = delete;
  CallDatabase& operator=(const CallDatabase&) = delete;

  absl::StatusOr<std::vector<ClientRecord>> ReadClients();

  absl::Status Begin();
  // Does nothing if the client is kept already. One with a new session was forgotten before.
  absl::Status Keep(const ClientId& client, uint64_t session);
  absl::Status Forget(const ClientId& client);
  // Executes a call of a client that is kept, and keeps the reply in place of those that its client
  // has seen.
  absl::StatusOr<CallReply> ExecuteOnce(const CallHeader& header, const std::string& request,
                                        const CallTransaction& transaction);
  // Executes a call of which nothing is to be kept.
  absl::StatusOr<CallReply> Execute(const CallHeader& header, const std::string& request,
                                    const CallTransaction& transaction);
  absl::Status Commit();

 private:
  struct Closer {
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Closer>;

  explicit CallDatabase(std::string path) : path_(std::move(path)) {}

  absl::Status OpenFile();
  absl::Status CheckOrCreate(const std::string& schema);
  absl::StatusOr<int64_t> ReadInteger(const char* sql);
  absl::Status ReadReplies(std::vector<ClientRecord>* clients);
  absl::Status Prepare();
  absl::StatusOr<Statement> Compile(const char* sql);
  absl::Status Execute(const std::string& sql);
  // Runs a statement that gives no rows, with these numbers for its parameters.
  absl::Status Run(sqlite3_stmt* statement, std::initializer_list<uint64_t> numbers);
  absl::Status ErrorOf(int code) const;

  const std::string path_;
  sqlite3* database_ = nullptr;
  Statement keep_, see_, forget_client_, forget_replies_, forget_seen_, insert_reply_;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_CALL_DATABASE_H_
