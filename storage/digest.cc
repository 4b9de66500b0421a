#include "storage/digest.h"

#include <xxhash.h>

#include <new>

#include "storage/xxh3.h"

namespace millrace {
namespace {

Digest FromXxh(XXH128_hash_t hash) { return Digest{hash.high64, hash.low64}; }

XXH3_state_t* StateOf(void* state) { return static_cast<XXH3_state_t*>(state); }

void AppendHex(uint64_t value, std::string* text) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) text->push_back(kDigits[(value >> shift) & 15]);
}

}  // namespace

std::string Digest::ToHex() const {
  std::string text;
  text.reserve(32);
  AppendHex(high, &text);
  AppendHex(low, &text);
  return text;
}

std::ostream& operator<<(std::ostream& out, const Digest& d) { return out << d.ToHex(); }

Digest DigestOf(std::string_view bytes) {
  return FromXxh(XXH3_128bits(bytes.data(), bytes.size()));
}

DigestStream::DigestStream() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  Reset();
}

DigestStream::~DigestStream() { XXH3_freeState(StateOf(state_)); }

void DigestStream::Update(std::string_view bytes) {
  Xxh3().update128(state_, bytes.data(), bytes.size());
}

Digest DigestStream::Finish() const { return FromXxh(XXH3_128bits_digest(StateOf(state_))); }

void DigestStream::Reset() { XXH3_128bits_reset(StateOf(state_)); }

}  // namespace millrace
