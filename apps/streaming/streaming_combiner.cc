#include "apps/streaming/streaming_combiner.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/strings.h"

namespace millrace {
namespace {

constexpr size_t kBlockBytes = 256 << 10;
constexpr size_t kMaxOpenBytes = 64 << 20;

}  // namespace

StreamingCombiner::StreamingCombiner(const StreamingJob& job)
    : program_(
          {"combiner", &job.combiner}, job,
          [this](std::string_view group, std::string_view name, int64_t by) {
            GetCounter(group, name)->Increment(by);
          },
          [this](std::string_view line) { TakeLine(line); }) {}

void StreamingCombiner::Reduce(ReduceInput& input) {
  if (failed_) return;
  if (!program_.running()) {
    const absl::Status started = program_.Start({});
    failed_ = !started.ok();
    if (failed_) return Fail(ToStd(started.message()));
  }
  open_keys_.emplace_back(input.key());
  open_bytes_ += input.key().size();
  for (; !input.done(); input.NextValue()) {
    records_.append(input.key());
    records_ += '\t';
    records_.append(input.value());
    records_ += '\n';
    ++count_;
    if (records_.size() >= kBlockBytes) WriteRecords();
  }
  if (open_bytes_ <= kMaxOpenBytes || failed_) return;
  failed_ = true;
  Fail(absl::StrCat("the combiner reads more than ", kMaxOpenBytes >> 20,
                    " MiB of keys before it writes: it must write as it reads"));
}

void StreamingCombiner::WriteRecords() {
  program_.Write(records_, count_);
  records_.clear();
  count_ = 0;
}

void StreamingCombiner::TakeLine(std::string_view line) {
  if (failed_) return;
  const TextPair pair = SplitAtTab(line);
  while (!open_keys_.empty() && open_keys_.front() != pair.key) {
    open_bytes_ -= open_keys_.front().size();
    open_keys_.pop_front();
  }
  if (!open_keys_.empty()) return Emit(pair.key, pair.value);
  failed_ = true;
  Fail(absl::StrCat("the combiner wrote a pair with the key '",
                    absl::CEscape(ToAbsl(pair.key.substr(0, 100))),
                    "', which it was not given, or not in this order: it must keep the keys"));
}

void StreamingCombiner::Finish() {
  if (!program_.running()) return;
  WriteRecords();
  const absl::Status ended = program_.Finish();
  if (!ended.ok() && !failed_) Fail(ToStd(ended.message()));
}

}  // namespace millrace
