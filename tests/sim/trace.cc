#include "tests/sim/trace.h"

#include <xxhash.h>

#include <cstdio>

namespace millrace::sim {

void Trace::Note(int64_t now_us, std::string_view who, std::string_view what) {
  Mix(static_cast<uint64_t>(now_us));
  Mix(who);
  Mix(what);
  if (!print_) return;
  std::fprintf(stderr, "%10.6f  %-10.*s %.*s\n", static_cast<double>(now_us) / 1e6,
               static_cast<int>(who.size()), who.data(), static_cast<int>(what.size()),
               what.data());
}

void Trace::Mix(std::string_view bytes) {
  hash_ = XXH3_64bits_withSeed(bytes.data(), bytes.size(), hash_);
}

}  // namespace millrace::sim
