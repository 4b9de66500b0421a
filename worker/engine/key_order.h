// The first 15 bytes of a key, and how long it is, as one 128-bit number: comparing two of them
// decides the byte order of two keys, unless both are longer than 15 bytes and agree that far.
//
//   KeyOrderOf("ant") < KeyOrderOf("bee")
//
// The numbers are the bytes, most significant first, zeros beyond the end of the key, and last a
// byte with the size plus one; all keys of more than 15 bytes have kLongKey there. So a key comes
// before the keys that it begins, NUL bytes included.
#ifndef MILLRACE_WORKER_ENGINE_KEY_ORDER_H_
#define MILLRACE_WORKER_ENGINE_KEY_ORDER_H_

#include <cstdint>
#include <string_view>

#include "mapreduce/short_key.h"

namespace millrace {

struct KeyOrder {
  uint64_t high = 0;
  uint64_t low = 0;

  static constexpr uint64_t kLongKey = kShortKeyBytes + 2;

  // Whether the key has bytes that are not in here.
  bool is_long() const { return (low & 0xff) == kLongKey; }

  friend bool operator==(const KeyOrder& a, const KeyOrder& b) {
    return ((a.high ^ b.high) | (a.low ^ b.low)) == 0;
  }
  friend bool operator<(const KeyOrder& a, const KeyOrder& b) {
    const auto wide = [](const KeyOrder& key) {
      return static_cast<unsigned __int128>(key.high) << 64 | key.low;
    };
    return wide(a) < wide(b);
  }
};

inline KeyOrder KeyOrderOf(const ShortKey& key) {
  return {__builtin_bswap64(key.low), __builtin_bswap64(key.high)};
}

// The key that KeyOrderOf was made of. Needs !order.is_long().
inline ShortKey ShortKeyOf(const KeyOrder& order) {
  return {__builtin_bswap64(order.high), __builtin_bswap64(order.low)};
}

namespace key_order_internal {

inline KeyOrder LongOrder(ShortKey first_bytes) {
  KeyOrder order = KeyOrderOf(first_bytes);
  order.low = (order.low & ~uint64_t{0xff}) | KeyOrder::kLongKey;
  return order;
}

}  // namespace key_order_internal

inline KeyOrder KeyOrderOf(std::string_view key) {
  if (key.size() <= kShortKeyBytes) return KeyOrderOf(PackShortKey(key));
  return key_order_internal::LongOrder(PackShortKey(key.substr(0, kShortKeyBytes)));
}

// The same; 16 bytes can be read at key.data(), whatever its size.
inline KeyOrder KeyOrderWithSlack(std::string_view key) {
  if (__builtin_expect(key.size() <= kShortKeyBytes, 1)) {
    return KeyOrderOf(PackShortKeyWithSlack(key.data(), key.size()));
  }
  return key_order_internal::LongOrder(PackShortKeyWithSlack(key.data(), kShortKeyBytes));
}

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_KEY_ORDER_H_
