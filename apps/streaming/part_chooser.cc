#include "apps/streaming/part_chooser.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/count_text.h"
#include "mapreduce/strings.h"

namespace millrace {
namespace {

// Of a waiting pair besides its bytes.
constexpr size_t kPairBytes = sizeof(std::pair<std::string, std::string>);

std::string Shown(std::string_view text) {
  return absl::StrCat("'", absl::CEscape(ToAbsl(text.substr(0, 100))), "'");
}

}  // namespace

PartChooser::PartChooser(const StreamingJob& job, ChildLog::Count count, Sink on_pair)
    : on_pair_(std::move(on_pair)),
      program_({"partitioner", &job.partitioner}, job, std::move(count),
               [this](std::string_view line) { TakeLine(line); }) {}

void PartChooser::Add(std::string_view key, std::string_view value) {
  if (!status_.ok()) return;
  if (!program_.running()) status_ = program_.Start({});
  if (!status_.ok()) return;
  waiting_.emplace_back(key, value);
  waiting_bytes_ += kPairBytes + key.size() + value.size();
  keys_.append(key);
  keys_ += '\n';
  ++key_count_;
  if (keys_.size() >= kBlockBytes) WriteKeys();
  if (waiting_bytes_ <= kMaxWaitingBytes || !status_.ok()) return;
  status_ = absl::AbortedError(
      absl::StrCat("the partitioner has read ", CountText(waiting_.size(), "key"),
                   " without a number for them: it must flush its output now and then"));
}

void PartChooser::WriteKeys() {
  program_.Write(keys_, key_count_);
  program_.ReadAvailable();
  keys_.clear();
  key_count_ = 0;
}

void PartChooser::TakeLine(std::string_view line) {
  if (!status_.ok()) return;
  uint32_t part = 0;
  if (waiting_.empty()) {
    status_ = absl::AbortedError("the partitioner wrote more numbers than it was given keys");
    return;
  }
  const auto& [key, value] = waiting_.front();
  if (!absl::SimpleAtoi(ToAbsl(line), &part)) {
    status_ =
        absl::AbortedError(absl::StrCat("the partitioner wrote ", Shown(line), " for the key ",
                                        Shown(key), ": it must write the number of a part"));
    return;
  }
  on_pair_({part, key, value});
  waiting_bytes_ -= kPairBytes + key.size() + value.size();
  waiting_.pop_front();
}

absl::Status PartChooser::Finish() {
  if (!program_.running()) return status_;
  if (status_.ok()) WriteKeys();
  absl::Status ended = program_.Finish();
  if (status_.ok()) status_ = std::move(ended);
  if (status_.ok() && !waiting_.empty()) {
    status_ = absl::AbortedError(absl::StrCat(
        "the partitioner wrote no number for the last ", CountText(waiting_.size(), "key"),
        ", the first of which is ", Shown(waiting_.front().first)));
  }
  return status_;
}

}  // namespace millrace
