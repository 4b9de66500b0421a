// The reduce function of a job, and its combiner, which has the same shape.
//
//   class Longest : public millrace::Reducer {
//    public:
//     void Reduce(millrace::ReduceInput& input) override {
//       std::string longest;
//       for (; !input.done(); input.NextValue()) {
//         if (input.value().size() > longest.size()) longest = input.value();
//       }
//       Emit(longest);
//     }
//   };
//
// Keys of a partition arrive in byte order; the values of one key in (split, position) order, or in
// the one that the job asks for (JobDescription::sort_values, sort_fields), never in order of
// arrival, so the output does not depend on who was faster. One reducer object serves one attempt,
// on one thread. To fail the attempt, throw, or call Fail.
#ifndef MILLRACE_MAPREDUCE_REDUCER_H_
#define MILLRACE_MAPREDUCE_REDUCER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "mapreduce/counters.h"

namespace millrace {

// One key and a single pass over its values, which need not fit in memory.
class ReduceInput {
 public:
  virtual ~ReduceInput() = default;

  // Valid until the end of the Reduce call.
  virtual std::string_view key() const = 0;
  // Whether all values have been seen. Values that a reducer leaves unread are skipped.
  virtual bool done() const = 0;
  // The current value, valid until NextValue. Needs !done().
  virtual std::string_view value() const = 0;
  virtual void NextValue() = 0;
};

// Where a reducer's (or combiner's) pairs go.
class ReduceOutput {
 public:
  virtual ~ReduceOutput() = default;
  virtual void Write(std::string_view key, std::string_view value) = 0;
  // Fails the attempt; what is written afterwards is dropped. The first call counts.
  virtual void Fail(std::string_view message) = 0;
};

class Reducer {
 public:
  virtual ~Reducer() = default;

  virtual void Start() {}
  // Called once a key. With a declared aggregate, `input` holds one value: the total, as decimal
  // text.
  virtual void Reduce(ReduceInput& input) = 0;
  virtual void Finish() {}

  // Called by the engine (and by testing.h): Attach before Start, SetKey before each Reduce.
  void Attach(ReduceOutput* output, CounterSet* counters) {
    output_ = output;
    counters_ = counters;
  }
  void SetKey(std::string_view key) { key_ = key; }

 protected:
  // Writes `key<TAB>value` for the current key. A combiner must keep the key.
  void Emit(std::string_view value) { output_->Write(key_, value); }
  void Emit(int64_t value) { output_->Write(key_, std::to_string(value)); }
  // Writes a pair with another key. The parts of a job stay sorted only if keys never go back.
  void Emit(std::string_view key, std::string_view value) { output_->Write(key, value); }

  // Fails the attempt; `message` is for the person who reads the job's error.
  void Fail(std::string_view message) { output_->Fail(message); }

  Counter* GetCounter(std::string_view group, std::string_view name) {
    return counters_->Get(group, name);
  }

 private:
  ReduceOutput* output_ = nullptr;
  CounterSet* counters_ = nullptr;
  std::string_view key_;
};

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_REDUCER_H_
