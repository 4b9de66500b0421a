// Which host this is, for deciding whether another process sees the same files.
#ifndef MILLRACE_RPC_HOST_ID_H_
#define MILLRACE_RPC_HOST_ID_H_

#include <string>

namespace millrace {

// Equal in two processes that run under the same kernel, since the same boot, and see the same
// mounts: containers on one machine are different hosts. When the kernel does not tell, an id that
// no other process has.
std::string HostId();

}  // namespace millrace

#endif  // MILLRACE_RPC_HOST_ID_H_
