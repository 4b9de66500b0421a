// The map function of a job.
//
// A mapper gets a chunk of whole records at a time, not one record a call: handing out lines one by
// one costs 16 to 50 % of a word count. Inside the chunk it walks by line or by word:
//
//   class WordMapper : public millrace::Mapper {
//    public:
//     void Map(const millrace::MapInput& input) override {
//       input.ForEachWord([this](std::string_view word) { Emit(word, 1); });
//     }
//   };
//
// A record belongs to the split in which it begins, so a mapper sees every record exactly once and
// never half of one. One mapper object serves one attempt: Start, Map for each chunk, Finish.
// Everything runs on one thread. To fail the attempt, throw, or call Fail.
#ifndef MILLRACE_MAPREDUCE_MAPPER_H_
#define MILLRACE_MAPREDUCE_MAPPER_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "mapreduce/counters.h"
#include "mapreduce/emitter.h"
#include "mapreduce/map_input.h"

namespace millrace {

class Mapper {
 public:
  virtual ~Mapper() = default;

  // Called once before the first chunk; a good place for GetCounter.
  virtual void Start() {}

  // Called for each chunk in input order. `input` and views into it die with the call.
  virtual void Map(const MapInput& input) = 0;

  // Called once after the last chunk; may still Emit.
  virtual void Finish() {}

  // With JobDescription::totals_become_values: the value that stands for `total`, which this mapper
  // has emitted. Valid until the next call.
  virtual std::string_view ValueOfTotal(int64_t) { return {}; }

  // Called by the engine (and by testing.h) before Start.
  void Attach(Emitter* emitter, CounterSet* counters) {
    emitter_ = emitter;
    counters_ = counters;
  }

 protected:
  // Emits one intermediate pair; the bytes are copied. In a job with a declared aggregate only the
  // integer form is allowed; in other jobs an integer travels as its decimal text.
  void Emit(std::string_view key, int64_t value) { emitter_->Emit(key, value); }
  void Emit(std::string_view key, std::string_view value) { emitter_->Emit(key, value); }
  // Into a part of the mapper's own choice, instead of the partitioner's; a part that is none fails
  // the attempt. All pairs of a key must go to the same one.
  void EmitTo(uint32_t part, std::string_view key, std::string_view value) {
    emitter_->EmitTo(part, key, value);
  }

  // With an aggregate: ends the totals so far and begins new ones. A mapper whose totals become
  // values calls it before it forgets what totals mean.
  void EmitTotals() { emitter_->EmitTotals(); }
  // Fails the attempt; what it emits afterwards is dropped. `message` says what was wrong with
  // which record, for the person who reads the job's error.
  void Fail(std::string_view message) {
    emitter_->Fail(absl::AbortedError(absl::string_view(message.data(), message.size())));
  }

  Counter* GetCounter(std::string_view group, std::string_view name) {
    return counters_->Get(group, name);
  }

 private:
  Emitter* emitter_ = nullptr;
  CounterSet* counters_ = nullptr;
};

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_MAPPER_H_
