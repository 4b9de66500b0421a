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
    : make_(job.combiner), lags_(job.combiner_lags), context_(context) {
  if (!lags_) MakeReducer();
}

void Combiner::MakeReducer() {
  reducer_ = make_();
  reducer_->Attach(this, context_.counters);
  written_key_.clear();
  reducer_->Start();
}

void Combiner::Combine(ReduceInput& input, RunWriter* writer) {
  if (!status_.ok()) return;
  writer_ = writer;
  if (reducer_ == nullptr) MakeReducer();
  key_ = input.key();
  reducer_->SetKey(key_);
  Counted counted(&input, context_.hooks);
  reducer_->Reduce(counted);
}

void Combiner::EndPartition(RunWriter* writer) {
  if (!lags_ || reducer_ == nullptr) return;
  writer_ = writer;
  if (status_.ok()) reducer_->Finish();
  reducer_ = nullptr;
}

bool Combiner::KeepsKeys(std::string_view key) {
  const std::string_view before = lags_ ? written_key_ : key_;
  if (lags_ ? key >= before : key == before) {
    if (lags_) written_key_ = key;
    return true;
  }
  const auto shown = [](std::string_view k) { return absl::CEscape(ToAbsl(k.substr(0, 100))); };
  status_ = absl::AbortedError(
      lags_ ? absl::StrCat("the combiner emitted the key '", shown(before), "' and then '",
                           shown(key), "': it must keep the order of keys")
            : absl::StrCat("the combiner was given the key '", shown(before), "' and emitted '",
                           shown(key), "': it must keep the key"));
  return false;
}

void Combiner::Write(std::string_view key, std::string_view value) {
  if (!status_.ok() || !KeepsKeys(key)) return;
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
