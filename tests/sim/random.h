// The only source of chance in a simulation: a seeded generator and the few draws that are needed.
//
//   Random random(42);
//   if (random.Chance(0.1)) delay = random.Between(1, 100);
//
// The same seed gives the same draws on every machine, which the distributions of <random> do not
// promise.
#ifndef MILLRACE_TESTS_SIM_RANDOM_H_
#define MILLRACE_TESTS_SIM_RANDOM_H_

#include <cstdint>
#include <vector>

namespace millrace::sim {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // SplitMix64 (Steele, Lea & Flood 2014): one addition and a mix, any seed is good.
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }

  // Uniform in [0, bound), nearly: the bounds here are tiny next to 2^64.
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  // Uniform in [low, high].
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }
  bool Chance(double probability) {
    return static_cast<double>(Next() >> 11) * 0x1.0p-53 < probability;
  }
  template <typename T>
  const T& Pick(const std::vector<T>& from) {
    return from[Below(from.size())];
  }

  // A generator of its own for one part of the world, so that more draws in one part do not change
  // what happens in the others.
  Random Fork() { return Random(Next()); }

 private:
  uint64_t state_;
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_RANDOM_H_
