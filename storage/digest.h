// A 128-bit fingerprint of content (XXH3-128, seed 0): detects damage and difference, not malice.
#ifndef MILLRACE_STORAGE_DIGEST_H_
#define MILLRACE_STORAGE_DIGEST_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

namespace millrace {

struct Digest {
  uint64_t high = 0;
  uint64_t low = 0;

  friend bool operator==(const Digest& a, const Digest& b) {
    return a.high == b.high && a.low == b.low;
  }
  friend bool operator!=(const Digest& a, const Digest& b) { return !(a == b); }
  friend std::ostream& operator<<(std::ostream& out, const Digest& d);

  // 32 lower-case hexadecimal digits, `high` first.
  std::string ToHex() const;
};

// The digest of `bytes`.
Digest DigestOf(std::string_view bytes);

// Digest of content that arrives in pieces: the same as DigestOf the concatenation.
class DigestStream {
 public:
  DigestStream();
  ~DigestStream();
  DigestStream(const DigestStream&) = delete;
  DigestStream& operator=(const DigestStream&) = delete;

  void Update(std::string_view bytes);
  Digest Finish() const;
  void Reset();

 private:
  void* state_;  // XXH3_state_t, kept out of this header
};

}  // namespace millrace

#endif  // MILLRACE_STORAGE_DIGEST_H_
