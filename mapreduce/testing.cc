#include "mapreduce/testing.h"

#include <stdexcept>

namespace millrace {
namespace {

class PairCollector : public EmitSink {
 public:
  // With ValueForm::kStrings an emitter has no queues.
  void DrainShort(const ShortPair*, int) override {}
  void DrainLong(const LongPair*, int) override {}
  void EmitPair(std::string_view key, std::string_view value) override {
    pairs.emplace_back(key, value);
  }

  TextPairs pairs;
};

class ValueList : public ReduceInput {
 public:
  ValueList(std::string_view key, const std::vector<std::string>& values)
      : key_(key), values_(values) {}
  std::string_view key() const override { return key_; }
  bool done() const override { return next_ == values_.size(); }
  std::string_view value() const override { return values_[next_]; }
  void NextValue() override { ++next_; }

 private:
  std::string_view key_;
  const std::vector<std::string>& values_;
  size_t next_ = 0;
};

class WrittenPairs : public ReduceOutput {
 public:
  void Write(std::string_view key, std::string_view value) override {
    pairs.emplace_back(key, value);
  }
  void Fail(std::string_view message) override { throw std::runtime_error(std::string(message)); }

  TextPairs pairs;
};

}  // namespace

TextPairs RunMapper(Mapper& mapper, std::string_view text, CounterSet* counters) {
  PairCollector collector;
  Emitter emitter(ValueForm::kStrings, &collector);
  CounterSet own_counters;
  mapper.Attach(&emitter, counters != nullptr ? counters : &own_counters);
  InputCursor cursor;
  mapper.Start();
  mapper.Map(MapInput(text, {"/test/input"}, &cursor));
  mapper.Finish();
  if (!emitter.status().ok()) throw std::runtime_error(std::string(emitter.status().message()));
  return std::move(collector.pairs);
}

TextPairs RunReducer(Reducer& reducer, std::string_view key, const std::vector<std::string>& values,
                     CounterSet* counters) {
  WrittenPairs written;
  CounterSet own_counters;
  reducer.Attach(&written, counters != nullptr ? counters : &own_counters);
  ValueList input(key, values);
  reducer.Start();
  reducer.SetKey(key);
  reducer.Reduce(input);
  reducer.Finish();
  return std::move(written.pairs);
}

}  // namespace millrace
