// Byte strings written one behind the other so that the byte order of the whole is the order of
// the strings, one after the other.
//
//   std::string key;
//   AppendOrdered("ann", &key);
//   AppendOrdered("7", &key);    // before ("ann", "71"), and before ("anna", "")
//
// A string is followed by 00 01; a byte 00 in it is written as 00 FF. So no encoding begins another
// one, and a string comes before those that it begins. Any thread.
#ifndef MILLRACE_WORKER_ENGINE_ORDERED_BYTES_H_
#define MILLRACE_WORKER_ENGINE_ORDERED_BYTES_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace {

// Appends the encoding of `text`.
void AppendOrdered(std::string_view text, std::string* encoded);

// The size of the first encoding in `encoded`, which must begin with one.
size_t OrderedSize(std::string_view encoded);

// Appends the string that `encoded`, all of it, stands for.
void AppendDecoded(std::string_view encoded, std::string* text);

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_ORDERED_BYTES_H_
