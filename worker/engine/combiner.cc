#include "worker/engine/combiner.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/strings.h"
#include "worker/engine/failure.h"

namespace millrace {

// A combiner may be slow, and long at one key.
class Combiner::Counted final : public ReduceInput {
 public:
  Counted(ReduceInput* input, TaskHooks* hooks) : input_(*input), hooks_(*hooks) {
    hooks_.CountMoved(1);
  }
  std::string_view key() const override { return input_.key(); }
  bool done() const override { return input_.done(); }
  std::string_view value() const override { return input_.value(); }
  void NextValue() override {
    input_.NextValue();
    if (!input_.done()) hooks_.CountMoved(1);
  }

 private:
  ReduceInput& input_;
  TaskHooks& hooks_;
};

Combiner::Combiner(const JobDescription& job, const CombinerContext& context)
    : reducer_(job.combiner()), context_(context) {
  reducer_->Attach(this, context_.counters);
  reducer_->Start();
}

void Combiner::Combine(ReduceInput& input, RunWriter* writer) {
  if (!status_.ok()) return;
  writer_ = writer;
  key_ = input.key();
  reducer_->SetKey(key_);
  Counted counted(&input, context_.hooks);
  reducer_->Reduce(counted);
}

void Combiner::Write(std::string_view key, std::string_view value) {
  if (!status_.ok()) return;
  if (key != key_) {
    status_ = absl::AbortedError(absl::StrCat(
        "the combiner was given the key '", absl::CEscape(ToAbsl(key_.substr(0, 100))),
        "' and emitted '", absl::CEscape(ToAbsl(key.substr(0, 100))), "': it must keep the key"));
    return;
  }
  const uint64_t bytes = key.size() + value.size();
  if (bytes > context_.max_record_bytes) {
    status_ = TooLong("the combiner", key, bytes, context_.max_record_bytes, /*position=*/"");
    return;
  }
  writer_->Add(key, value);
}

void Combiner::Fail(std::string_view message) {
  if (status_.ok()) status_ = absl::AbortedError(ToAbsl(message));
}

}  // namespace millrace
