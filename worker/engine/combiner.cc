#include "worker/engine/combiner.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/strings.h"
#include "worker/engine/failure.h"

namespace millrace {

Combiner::Combiner(const JobDescription& job, CounterSet* counters, uint64_t max_record_bytes)
    : reducer_(job.combiner()), max_record_bytes_(max_record_bytes) {
  reducer_->Attach(this, counters);
  reducer_->Start();
}

void Combiner::Combine(ReduceInput& input, RunWriter* writer) {
  if (!status_.ok()) return;
  writer_ = writer;
  key_ = input.key();
  reducer_->SetKey(key_);
  reducer_->Reduce(input);
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
  if (bytes > max_record_bytes_) {
    status_ = TooLong("the combiner", key, bytes, max_record_bytes_, /*position=*/"");
    return;
  }
  writer_->Add(key, value);
}

void Combiner::Fail(std::string_view message) {
  if (status_.ok()) status_ = absl::AbortedError(ToAbsl(message));
}

}  // namespace millrace
