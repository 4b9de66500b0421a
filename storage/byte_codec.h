// Numbers as bytes: little-endian fixed width, and varints of 7 bits a byte, lowest first.
#ifndef MILLRACE_STORAGE_BYTE_CODEC_H_
#define MILLRACE_STORAGE_BYTE_CODEC_H_

#include <cstdint>
#include <cstring>
#include <string>

namespace millrace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "fixed-width numbers are copied as they lie");

constexpr size_t kMaxVarintBytes = 10;

inline void PutFixed32(std::string* out, uint32_t value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}
inline void PutFixed64(std::string* out, uint64_t value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

inline uint32_t GetFixed32(const char* data) {
  uint32_t value;
  std::memcpy(&value, data, sizeof(value));
  return value;
}
inline uint64_t GetFixed64(const char* data) {
  uint64_t value;
  std::memcpy(&value, data, sizeof(value));
  return value;
}

// Writes at most kMaxVarintBytes at `out`; returns where the next byte goes.
inline char* PutVarint(char* out, uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

// Reads from [data, end); returns the byte after, or null when the bytes are no varint.
inline const char* GetVarint(const char* data, const char* end, uint64_t* value) {
  if (data != end && static_cast<unsigned char>(*data) < 0x80) {  // by far the most frequent
    *value = static_cast<unsigned char>(*data);
    return data + 1;
  }
  uint64_t result = 0;
  for (int shift = 0; shift < 70 && data != end; shift += 7) {
    const uint64_t byte = static_cast<unsigned char>(*data++);
    if (shift == 63 && byte > 1) return nullptr;
    result |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      *value = result;
      return data;
    }
  }
  return nullptr;
}

// Signed numbers near zero become small unsigned ones: 0, -1, 1, -2 -> 0, 1, 2, 3.
inline uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

}  // namespace millrace

#endif  // MILLRACE_STORAGE_BYTE_CODEC_H_
