// For tests of durable calls: a bank with one account of 100, in a table of its own.
//
//   deduct N    takes N and replies what is left; refuses if that would be less than nothing
//   balance     replies what there is
#ifndef MILLRACE_RPC_TINY_BANK_H_
#define MILLRACE_RPC_TINY_BANK_H_

#include <sqlite3.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/call_types.h"

namespace millrace {

inline constexpr char kTinyBankSchema[] =
    "CREATE TABLE account (balance INTEGER); INSERT INTO account VALUES (100);";

inline absl::StatusOr<CallReply> TinyBank(sqlite3& database, const CallHeader&,
                                          const std::string& request) {
  const auto run = [&](const std::string& sql, std::string* result) {
    const auto take = [](void* text, int, char** values, char**) {
      *static_cast<std::string*>(text) = values[0];
      return 0;
    };
    return sqlite3_exec(&database, sql.c_str(), take, result, nullptr) == SQLITE_OK;
  };
  std::string left;
  if (request != "balance") {
    const std::string amount = std::to_string(std::stoi(request.substr(request.find(' '))));
    if (!run("UPDATE account SET balance = balance - " + amount, &left)) {
      return absl::InternalError("the bank cannot write");
    }
  }
  if (!run("SELECT balance FROM account", &left)) return absl::InternalError("it cannot read");
  if (left[0] == '-') return CallReply::Refused("too little money");
  return CallReply::Done(left);
}

}  // namespace millrace

#endif  // MILLRACE_RPC_TINY_BANK_H_
