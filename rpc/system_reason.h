// What the system said, without what KJ says around it.
#ifndef MILLRACE_RPC_SYSTEM_REASON_H_
#define MILLRACE_RPC_SYSTEM_REASON_H_

#include <kj/exception.h>

#include <string>

namespace millrace {

// The middle of what KJ says of a failed system call: of "connect(): Connection refused; fd = 7" it
// is "Connection refused". A name that no server of names knows is said in our own words.
std::string SystemReason(const kj::Exception& failure);

}  // namespace millrace

#endif  // MILLRACE_RPC_SYSTEM_REASON_H_
