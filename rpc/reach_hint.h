// What a person should look at when nobody answers at an address.
//
// Most of the time the address is right and the server is not running; else the address is one that
// only hosts of its own network reach, or something on the way closes the port. Pure.
#ifndef MILLRACE_RPC_REACH_HINT_H_
#define MILLRACE_RPC_REACH_HINT_H_

#include <string>
#include <string_view>

namespace millrace {

// Lines to put under an error, each indented and ended except the last:
//
//     - is the server running there, and does it listen on that port?
//     - 10.0.0.5 is a private address: only hosts of its own network reach it; ...
std::string WhatToCheck(std::string_view address);

}  // namespace millrace

#endif  // MILLRACE_RPC_REACH_HINT_H_
