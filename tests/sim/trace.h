// What happened in a simulation, in order, boiled down to one number: two runs of one seed must end
// with the same hash. Optionally printed line by line, for a person who replays a seed.
#ifndef MILLRACE_TESTS_SIM_TRACE_H_
#define MILLRACE_TESTS_SIM_TRACE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::sim {

class Trace {
 public:
  explicit Trace(bool print) : print_(print) {}

  // `now_us` is true time.
  void Note(int64_t now_us, std::string_view who, std::string_view what);
  // For what is too frequent to be printed: messages, edits.
  void Mix(std::string_view bytes);
  void Mix(uint64_t number) {
    Mix(std::string_view(reinterpret_cast<const char*>(&number), sizeof(number)));
  }

  uint64_t hash() const { return hash_; }

 private:
  const bool print_;
  uint64_t hash_ = 0xcbf29ce484222325ull;
};

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_SIM_TRACE_H_
