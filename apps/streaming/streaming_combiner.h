// A combiner that is a user's program: like a reducer, but what it writes are pairs again, of the
// keys that it was given and in their order.
//
// One object for each sorted partition, one thread.
#ifndef MILLRACE_APPS_STREAMING_STREAMING_COMBINER_H_
#define MILLRACE_APPS_STREAMING_STREAMING_COMBINER_H_

#include <cstdint>
#include <deque>
#include <string>

#include "apps/streaming/streaming_job.h"
#include "apps/streaming/user_program.h"
#include "mapreduce/reducer.h"

namespace millrace {

class StreamingCombiner : public Reducer {
 public:
  // `job` must outlive this object.
  explicit StreamingCombiner(const StreamingJob& job);

  void Reduce(ReduceInput& input) override;
  void Finish() override;

 private:
  void WriteRecords();
  void TakeLine(std::string_view line);

  UserProgram program_;
  bool failed_ = false;
  std::string records_;  // that the program has not been given yet
  uint64_t count_ = 0;
  // Keys that it was given, from the last one of which it has written a pair.
  std::deque<std::string> open_keys_;
  size_t open_bytes_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_APPS_STREAMING_STREAMING_COMBINER_H_
