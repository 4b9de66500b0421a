// A partitioner that is a user's program: keys on its standard input, one a line, and the number of
// each key's part on its standard output.
//
//   PartChooser chooser(job, count, [](const PlacedPair& pair) { EmitTo(pair.part, ...); });
//   chooser.Add(key, value);
//   MILLRACE_RETURN_IF_ERROR(chooser.Finish());
//
// The program runs beside the mapper, and pairs wait until their numbers come: so the program may
// buffer its output, within bounds. One thread.
#ifndef MILLRACE_APPS_STREAMING_PART_CHOOSER_H_
#define MILLRACE_APPS_STREAMING_PART_CHOOSER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "apps/streaming/streaming_job.h"
#include "apps/streaming/user_program.h"

namespace millrace {

struct PlacedPair {
  uint32_t part;
  std::string_view key;
  std::string_view value;
};

class PartChooser {
 public:
  using Sink = std::function<void(const PlacedPair& pair)>;

  // `job` must outlive this object. `on_pair` gets pairs in the order of Add.
  PartChooser(const StreamingJob& job, ChildLog::Count count, Sink on_pair);

  // Errors are kept, and pairs that are added after one are dropped.
  void Add(std::string_view key, std::string_view value);
  const absl::Status& status() const { return status_; }

  // Waits until every pair has its number; the next Add starts the program anew.
  absl::Status Finish();

 private:
  static constexpr size_t kBlockBytes = 64 << 10;
  static constexpr size_t kMaxWaitingBytes = 64 << 20;

  void WriteKeys();
  void TakeLine(std::string_view line);

  const Sink on_pair_;
  UserProgram program_;
  absl::Status status_;
  std::string keys_;  // that the program has not been given yet
  uint64_t key_count_ = 0;
  std::deque<std::pair<std::string, std::string>> waiting_;
  size_t waiting_bytes_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_APPS_STREAMING_PART_CHOOSER_H_
