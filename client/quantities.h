// Numbers as people read them. Pure functions.
#ifndef MILLRACE_CLIENT_QUANTITIES_H_
#define MILLRACE_CLIENT_QUANTITIES_H_

#include <cstdint>
#include <string>

namespace millrace {

// "0 B", "999 B", "1.5 KiB", "64 MiB", "1.21 GiB": three digits that count.
std::string BytesText(uint64_t bytes);

// "0.24 s", "12.3 s", "2m05s", "1h02m".
std::string DurationText(uint64_t milliseconds);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_QUANTITIES_H_
