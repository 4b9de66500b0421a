// Puts the output of finished jobs in place, and removes that of failed ones, on the I/O thread.
//
// Both steps may be repeated after a kill at any point. An Abort is handed to the I/O thread at
// once, so that whatever is given to it later (the journal's last word on the job) is done after
// it; a crowd of jobs that end together must not fill that thread's queue, so beyond kAbortsMax
// they wait in a queue of the publisher's, as all calls of Publish do.
//
// Lives on one event loop.
#ifndef MILLRACE_MASTER_PUBLISHER_H_
#define MILLRACE_MASTER_PUBLISHER_H_

#include <kj/async.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "master/core/views.h"
#include "master/job_store.h"
#include "master/master_shell.h"
#include "rpc/io_thread.h"
#include "storage/file_system.h"
#include "storage/output_committer.h"

namespace millrace {

// What a job has come to: the winners of its last stage, and the records that it left out.
struct JobOutput {
  std::vector<PartView> parts;
  std::vector<InputRecord> skipped;
};

// What the committer must know of a job.
PublishPlan MakePublishPlan(const StoredJob& job, const JobOutput& output);

class Publisher final : private kj::TaskSet::ErrorHandler {
 public:
  // All must outlive it.
  Publisher(FileSystem& fs, BlockingRunner& runner, EventSink& events);
  KJ_DISALLOW_COPY(Publisher);

  static constexpr size_t kAbortsMax = 256;

  // Says JobPublished in the end.
  void Publish(const StoredJob& job, const JobOutput& output);
  // Calls `done` when the output folder holds nothing of the job any more; what cannot be removed
  // is logged.
  void Abort(const StoredJob& job, std::function<void()> done);

 private:
  struct Work {
    std::function<absl::Status()> step;
    std::function<void(const absl::Status&)> done;
  };

  Work AbortWork(const StoredJob& job, std::function<void()> done);
  void OnPublished(JobId job, const absl::Status& status);
  void Enqueue(Work work);
  kj::Promise<void> RunQueue();
  void taskFailed(kj::Exception&& exception) override;

  BlockingRunner& runner_;
  EventSink& events_;
  const std::shared_ptr<OutputCommitter> committer_;
  std::deque<Work> queue_;  // at most two entries for each unfinished job
  bool running_ = false;
  size_t aborting_ = 0;                 // handed to the I/O thread
  std::map<JobId, PublishPlan> tried_;  // jobs whose publishing began and has not succeeded
  kj::TaskSet tasks_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_PUBLISHER_H_
