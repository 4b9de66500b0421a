// Named counters of one task attempt.
//
//   Counter* uppercase = GetCounter("words", "uppercase");   // once, in the constructor or Start()
//   if (IsUpper(word)) uppercase->Increment();
//
// The counts of the one attempt that wins each task are summed into the job's totals; attempts that
// lost do not count (Dean & Ghemawat 2004, section 4.9). One thread.
#ifndef MILLRACE_MAPREDUCE_COUNTERS_H_
#define MILLRACE_MAPREDUCE_COUNTERS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace millrace {

class Counter {
 public:
  void Increment(int64_t by = 1) { value_ += by; }
  int64_t value() const { return value_; }

 private:
  int64_t value_ = 0;
};

// All counters of one attempt, by "group/name". Pointers stay valid as long as the set.
class CounterSet {
 public:
  // At most this many different counters an attempt; further names share "millrace/overflow".
  static constexpr size_t kMaxCounters = 1000;

  // Returns the counter of this name, made on first use. `group` must not contain '/', and must not
  // be one of Millrace's own ("millrace", and whatever begins with "millrace."): what is counted
  // there is thrown away, and refused() then says so.
  Counter* Get(std::string_view group, std::string_view name);

  // "group/name" of the first counter that was asked for in a group of Millrace's own; empty: none.
  const std::string& refused() const { return refused_; }

  const std::map<std::string, Counter>& all() const { return counters_; }
  void Clear() { counters_.clear(); }

 private:
  std::map<std::string, Counter> counters_;
  std::string refused_;
  Counter unused_;  // what a refused counter counts
};

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_COUNTERS_H_
