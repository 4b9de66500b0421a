// What a process tells the role it starts: lines of name=value in an environment variable.
//
//   RoleOptions options;
//   options.Set("master", "127.0.0.1:7070");
//   options.Encode();  // "master=127.0.0.1:7070\n"
//
// A backslash stands before a backslash, and "\n" for a line feed in a value. A plain value.
#ifndef MILLRACE_CLIENT_ROLE_OPTIONS_H_
#define MILLRACE_CLIENT_ROLE_OPTIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace {

class RoleOptions {
 public:
  void Set(std::string_view name, std::string_view value);
  void Set(std::string_view name, int64_t value);

  // The value; "" when it was not set.
  std::string Get(std::string_view name) const;
  // The number; `otherwise` when it was not set or is none.
  int64_t GetNumber(std::string_view name, int64_t otherwise) const;

  std::string Encode() const;
  static absl::StatusOr<RoleOptions> Decode(std::string_view text);

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace millrace

#endif  // MILLRACE_CLIENT_ROLE_OPTIONS_H_
