// What a running attempt says of itself: TEXT of the last line `reporter:status:TEXT` that it wrote
// to standard error, as programs written for Hadoop Streaming do. Pure; any thread.
#ifndef MILLRACE_RPC_ATTEMPT_STATUS_H_
#define MILLRACE_RPC_ATTEMPT_STATUS_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace {

constexpr size_t kAttemptStatusBytesMax = 200;

// The status in `output`, as ShownStatus gives it; empty when no whole line has one.
std::string LastStatusIn(std::string_view output);

// As much of `text` as fits, with '?' for whatever could move a cursor or spoil a table.
std::string ShownStatus(std::string_view text);

}  // namespace millrace

#endif  // MILLRACE_RPC_ATTEMPT_STATUS_H_
