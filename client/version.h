// Which release this is.
#ifndef MILLRACE_CLIENT_VERSION_H_
#define MILLRACE_CLIENT_VERSION_H_

namespace millrace {

// Of the programs, for people. What peers must agree on is kProtocolVersion (rpc/preamble.h).
inline constexpr char kVersion[] = "0.1.0";

}  // namespace millrace

#endif  // MILLRACE_CLIENT_VERSION_H_
