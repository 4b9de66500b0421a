#include "master/publisher.h"

#include <utility>

#include "glog/logging.h"

namespace millrace {

PublishPlan MakePublishPlan(const StoredJob& job, const JobOutput& output) {
  PublishPlan plan;
  plan.output = job.context.output_folder;
  plan.job_key = job.context.staging_key;
  plan.job_name = job.context.name;
  plan.overwrite = job.overwrite;
  plan.part_suffix = job.part_suffix;
  for (const PartView& part : output.parts) {
    plan.parts.push_back({part.attempt, part.bytes, part.digest});
  }
  plan.skipped = output.skipped;
  return plan;
}

Publisher::Publisher(FileSystem& fs, BlockingRunner& runner, EventSink& events)
    : runner_(runner),
      events_(events),
      committer_(std::make_shared<OutputCommitter>(&fs)),
      tasks_(*this) {}

void Publisher::Publish(const StoredJob& job, const JobOutput& output) {
  const JobId id = job.job();
  PublishPlan plan = MakePublishPlan(job, output);
  tried_[id] = plan;
  Enqueue(
      {[committer = committer_, plan = std::move(plan)]() { return committer->PublishJob(plan); },
       [this, id](const absl::Status& status) { OnPublished(id, status); }});
}

void Publisher::OnPublished(JobId job, const absl::Status& status) {
  LOG_IF(ERROR, !status.ok()) << job << " cannot be published: " << status;
  if (status.ok()) tried_.erase(job);
  events_.Happened(JobPublished{job, status});
}

void Publisher::Abort(const StoredJob& job, std::function<void()> done) {
  Work work = AbortWork(job, std::move(done));
  if (aborting_ >= kAbortsMax) return Enqueue(std::move(work));
  ++aborting_;
  tasks_.add(runner_.Run(work.step).then([this, done = work.done](absl::Status status) {
    --aborting_;
    done(status);
  }));
}

Publisher::Work Publisher::AbortWork(const StoredJob& job, std::function<void()> done) {
  const JobId id = job.job();
  PublishPlan plan = MakePublishPlan(job, {});
  if (const auto it = tried_.find(id); it != tried_.end()) {
    plan = std::move(it->second);
    tried_.erase(it);
  }
  return {[committer = committer_, plan = std::move(plan)]() { return committer->Abort(plan); },
          [id, done = std::move(done)](const absl::Status& status) {
            LOG_IF(WARNING, !status.ok())
                << "the output folder of " << id
                << " is not clean, please remove its folder _millrace: " << status;
            done();
          }};
}

void Publisher::Enqueue(Work work) {
  queue_.push_back(std::move(work));
  if (running_) return;
  running_ = true;
  tasks_.add(kj::evalLater([this]() { return RunQueue(); }));
}

kj::Promise<void> Publisher::RunQueue() {
  if (queue_.empty()) {
    running_ = false;
    return kj::READY_NOW;
  }
  auto work = std::make_shared<Work>(std::move(queue_.front()));
  queue_.pop_front();
  return runner_.Run(work->step)
      .then([work](absl::Status status) { work->done(status); })
      .then([this]() { return RunQueue(); });
}

// Every expected failure was dealt with in its own step.
void Publisher::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "bug in the publisher: " << kj::str(exception).cStr();
}

}  // namespace millrace
