// The widest vectors give the hashes that the narrow ones give.
#include "storage/xxh3.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <algorithm>
#include <memory>
#include <string>

namespace millrace {
namespace {

std::string SomeBytes(size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(i * i + i / 251));
  return bytes;
}

std::string Digest128(const Xxh3Functions& functions, const std::string& bytes, size_t piece) {
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              XXH3_freeState);
  XXH3_128bits_reset(state.get());
  for (size_t at = 0; at < bytes.size(); at += piece) {
    functions.update128(state.get(), bytes.data() + at, std::min(piece, bytes.size() - at));
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return std::to_string(hash.high64) + " " + std::to_string(hash.low64);
}

TEST(Xxh3Test, TheChoiceMakesNoDifference) {
  for (const size_t size : {0, 1, 16, 17, 240, 241, 1024, 1025, 5000, 300000}) {
    const std::string bytes = SomeBytes(size);
    const XXH128_hash_t of_library = XXH3_128bits(bytes.data(), bytes.size());
    const std::string expected =
        std::to_string(of_library.high64) + " " + std::to_string(of_library.low64);
    for (const Xxh3Functions* functions : {&kXxh3Baseline, &Xxh3()}) {
      EXPECT_EQ(functions->hash64(bytes.data(), size), XXH3_64bits(bytes.data(), size)) << size;
      for (const size_t piece : {7, 256, 4096, 1 << 20}) {
        EXPECT_EQ(Digest128(*functions, bytes, piece), expected) << size << " by " << piece;
      }
    }
  }
}

}  // namespace
}  // namespace millrace
