// A reducer that is a user's program: sorted `key<TAB>value` lines on its standard input, lines of
// the output on its standard output.
//
// One object an attempt, one thread.
#ifndef MILLRACE_APPS_STREAMING_STREAMING_REDUCER_H_
#define MILLRACE_APPS_STREAMING_STREAMING_REDUCER_H_

#include <cstdint>
#include <string>

#include "apps/streaming/streaming_job.h"
#include "apps/streaming/user_program.h"
#include "mapreduce/reducer.h"

namespace millrace {

class StreamingReducer : public Reducer {
 public:
  // `job` must outlive this object.
  explicit StreamingReducer(const StreamingJob& job);

  void Start() override;
  void Reduce(ReduceInput& input) override;
  void Finish() override;

 private:
  void WriteRecords();

  UserProgram program_;
  std::string records_;  // that the program has not been given yet
  uint64_t count_ = 0;
};

// Without a program: the pairs, sorted, as lines `key<TAB>value`.
class LineReducer : public Reducer {
 public:
  void Reduce(ReduceInput& input) override;

 private:
  std::string line_;
};

}  // namespace millrace

#endif  // MILLRACE_APPS_STREAMING_STREAMING_REDUCER_H_
