// Which address of this machine another host sees.
#ifndef MILLRACE_MASTER_ROUTE_H_
#define MILLRACE_MASTER_ROUTE_H_

#include <string>

namespace millrace {

// The numeric address from which packets to `host` leave this machine, as the kernel's routes say;
// nothing is sent. This machine's name when `host` is no numeric address or cannot be reached.
std::string LocalAddressTowards(const std::string& host);

}  // namespace millrace

#endif  // MILLRACE_MASTER_ROUTE_H_
