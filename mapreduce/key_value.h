// Pairs of byte strings one after the other, as they lie in key/value files and in the chunks that
// a mapper gets of them:
//
//   pair := key size:4  value size:4  key  value        (sizes little-endian)
#ifndef MILLRACE_MAPREDUCE_KEY_VALUE_H_
#define MILLRACE_MAPREDUCE_KEY_VALUE_H_

#include <cstdint>
#include <cstring>
#include <string_view>

namespace millrace {

constexpr size_t kKeyValueHeaderBytes = 8;

// Goes over the pairs in `data`.
//
//   for (KeyValueWalk walk(data); walk.Next();) Use(walk.key(), walk.value());
class KeyValueWalk {
 public:
  explicit KeyValueWalk(std::string_view data) : data_(data) {}

  // false: the end, or no whole pair begins here; then rest() says how much is left.
  bool Next() {
    record_ = data_.data();
    uint32_t sizes[2];
    if (data_.size() < kKeyValueHeaderBytes) return false;
    std::memcpy(sizes, data_.data(), sizeof(sizes));
    const uint64_t bytes = uint64_t{sizes[0]} + sizes[1];
    if (bytes > data_.size() - kKeyValueHeaderBytes) return false;
    key_ = data_.substr(kKeyValueHeaderBytes, sizes[0]);
    value_ = data_.substr(kKeyValueHeaderBytes + sizes[0], sizes[1]);
    data_.remove_prefix(kKeyValueHeaderBytes + bytes);
    return true;
  }

  const char* record() const { return record_; }  // where the current pair begins
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }
  size_t rest() const { return data_.size(); }  // bytes behind the current pair

 private:
  std::string_view data_;
  const char* record_ = nullptr;
  std::string_view key_;
  std::string_view value_;
};

// Writes the header of a pair to `out`, which has room for kKeyValueHeaderBytes.
inline void PutKeyValueHeader(size_t key_size, size_t value_size, char* out) {
  const uint32_t sizes[2] = {static_cast<uint32_t>(key_size), static_cast<uint32_t>(value_size)};
  std::memcpy(out, sizes, sizeof(sizes));
}

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_KEY_VALUE_H_
