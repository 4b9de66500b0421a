#include "apps/streaming/streaming_reducer.h"

#include "mapreduce/strings.h"

namespace millrace {
namespace {

constexpr size_t kBlockBytes = 256 << 10;

void AppendPair(std::string_view key, std::string_view value, std::string* text) {
  text->append(key);
  *text += '\t';
  text->append(value);
}

}  // namespace

StreamingReducer::StreamingReducer(const StreamingJob& job)
    : program_(
          {"reducer", &job.reducer}, job,
          [this](std::string_view group, std::string_view name, int64_t by) {
            GetCounter(group, name)->Increment(by);
          },
          [this](std::string_view line) { Emit({}, line); }) {}

void StreamingReducer::Start() {
  if (const absl::Status started = program_.Start({}); !started.ok()) {
    Fail(ToStd(started.message()));
  }
}

void StreamingReducer::Reduce(ReduceInput& input) {
  for (; !input.done(); input.NextValue()) {
    AppendPair(input.key(), input.value(), &records_);
    records_ += '\n';
    ++count_;
    if (records_.size() >= kBlockBytes) WriteRecords();
  }
}

void StreamingReducer::WriteRecords() {
  if (program_.running()) program_.Write(records_, count_);
  records_.clear();
  count_ = 0;
}

void StreamingReducer::Finish() {
  WriteRecords();
  if (!program_.running()) return;
  if (const absl::Status ended = program_.Finish(); !ended.ok()) Fail(ToStd(ended.message()));
}

void LineReducer::Reduce(ReduceInput& input) {
  for (; !input.done(); input.NextValue()) {
    line_.clear();
    AppendPair(input.key(), input.value(), &line_);
    Emit({}, line_);
  }
}

}  // namespace millrace
