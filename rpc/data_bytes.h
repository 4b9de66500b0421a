// Bytes of any kind in a message: to our own types, and back. Nothing is copied, so what is
// returned lives no longer than what it was made from.
#ifndef MILLRACE_RPC_DATA_BYTES_H_
#define MILLRACE_RPC_DATA_BYTES_H_

#include <capnp/blob.h>

#include <string_view>

namespace millrace {

inline std::string_view ToBytes(capnp::Data::Reader data) {
  const auto chars = data.asChars();
  return std::string_view(chars.begin(), chars.size());
}

inline capnp::Data::Reader ToData(std::string_view bytes) {
  return capnp::Data::Reader(reinterpret_cast<const capnp::byte*>(bytes.data()), bytes.size());
}

}  // namespace millrace

#endif  // MILLRACE_RPC_DATA_BYTES_H_
