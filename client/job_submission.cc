#include "client/job_submission.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/deadline.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

constexpr int kTries = 5;
// A place is free as soon as another job is taken in, which takes milliseconds.
constexpr BackoffOptions kAskAgain = {20 * kj::MILLISECONDS, 1 * kj::SECONDS};
constexpr size_t kInputsPerCall = 1000;
constexpr size_t kBinaryBytesPerCall = 1 << 20;
constexpr kj::Duration kCallDeadline = 10 * kj::SECONDS;
// The master may ask its workers whether they see the folders, and waits for a sync.
constexpr kj::Duration kCommitDeadline = 60 * kj::SECONDS;

absl::StatusOr<JobId> Refused(capnp::Text::Reader reason) {
  return absl::FailedPreconditionError(ReadMessageText(reason));
}

}  // namespace

JobSubmission::JobSubmission(MasterLink& link, JobSpec spec, kj::Duration patience)
    : link_(link),
      spec_(std::move(spec)),
      patience_(patience),
      give_up_(link.timer().now() + patience),
      backoff_(kAskAgain, std::random_device()()),
      tries_left_(kTries) {}

kj::Promise<absl::StatusOr<JobId>> JobSubmission::Run() {
  --tries_left_;
  return RunOnce().catch_([this](kj::Exception&& exception) -> kj::Promise<absl::StatusOr<JobId>> {
    if (tries_left_ == 0 || !IsWorthRetrying(exception)) return kj::mv(exception);
    return link_.Connect(patience_).then([this]() { return Run(); });
  });
}

kj::Promise<absl::StatusOr<JobId>> JobSubmission::RunOnce() {
  auto request = link_.jobs().beginRequest();
  Write(spec_, request.initSpec());
  return WithDeadline(link_.timer(), kCallDeadline, absl::StrCat("submitting to ", link_.address()),
                      request.send())
      .then([this](auto response) -> kj::Promise<absl::StatusOr<JobId>> {
        auto result = response.getResult();
        if (result.isRefused()) return Refused(result.getRefused());
        if (result.isBusy()) return RunLater(ReadMessageText(result.getBusy()));
        if (result.isAlreadyAccepted()) {
          return absl::StatusOr<JobId>(JobId(result.getAlreadyAccepted()));
        }
        return Send(result.getSubmission());
      });
}

kj::Promise<absl::StatusOr<JobId>> JobSubmission::RunLater(const std::string& why_not_now) {
  const kj::TimePoint next = link_.timer().now() + backoff_.Next();
  if (next > give_up_) {
    // No connection mends this, so it is none of the exceptions that are retried.
    return ToException(absl::FailedPreconditionError(absl::StrCat(
        link_.address(), ": ", why_not_now, " (tried for ", FormatDuration(patience_), ")")));
  }
  return link_.timer().atTime(next).then([this]() { return RunOnce(); });
}

kj::Promise<absl::StatusOr<JobId>> JobSubmission::Send(
    capnp_master::Submission::Client submission) {
  return SendInputs(submission, /*first=*/0)
      .then([this, submission]() mutable { return SendFiles(submission, /*first=*/0); })
      .then([this, submission]() mutable { return Commit(submission); });
}

kj::Promise<void> JobSubmission::SendInputs(capnp_master::Submission::Client submission,
                                            size_t first) {
  const size_t count = std::min(kInputsPerCall, spec_.inputs.size() - first);
  if (count == 0) return kj::READY_NOW;
  auto request = submission.addInputsRequest();
  auto files = request.initFiles(count);
  for (size_t i = 0; i < count; ++i) Write(spec_.inputs[first + i], files[i]);
  return WithDeadline(link_.timer(), kCallDeadline, "sending the list of input files",
                      request.send().ignoreResult())
      .then([this, submission, next = first + count]() mutable {
        return SendInputs(submission, next);
      });
}

kj::Promise<void> JobSubmission::SendFiles(capnp_master::Submission::Client submission,
                                           size_t first) {
  if (first > spec_.side_files.size()) return kj::READY_NOW;
  return SendIfNeeded(submission, first == 0 ? spec_.binary : spec_.side_files[first - 1])
      .then([this, submission, first]() mutable { return SendFiles(submission, first + 1); });
}

kj::Promise<void> JobSubmission::SendIfNeeded(capnp_master::Submission::Client submission,
                                              const JobBinary& file) {
  auto request = submission.needsBinaryRequest();
  request.setFile(file.name);
  return WithDeadline(link_.timer(), kCallDeadline, "asking whether a file must be sent",
                      request.send())
      .then([this, submission, &file](auto response) mutable -> kj::Promise<void> {
        if (!response.getNeeded()) return kj::READY_NOW;
        absl::StatusOr<std::unique_ptr<ReadableFile>> opened =
            PosixFileSystem().OpenForReading(file.path);
        if (!opened.ok()) return ToException(opened.status());
        file_ = *std::move(opened);
        return SendRest(submission, file, /*offset=*/0);
      });
}

// An empty file is a piece without bytes.
kj::Promise<void> JobSubmission::SendRest(capnp_master::Submission::Client submission,
                                          const JobBinary& file, uint64_t offset) {
  auto request = submission.addBinaryRequest();
  request.setFile(file.name);
  request.setOffset(offset);
  auto data = request.initData(std::min<uint64_t>(kBinaryBytesPerCall, file_->size() - offset));
  absl::StatusOr<size_t> read =
      file_->Read(offset, data.size(), reinterpret_cast<char*>(data.begin()));
  if (!read.ok()) return ToException(read.status());
  if (*read < data.size()) {
    return ToException(absl::AbortedError(
        absl::StrCat(file.path, " became shorter while it was sent; submit the job again")));
  }
  return WithDeadline(link_.timer(), kCallDeadline, absl::StrCat("sending ", file.Describe()),
                      request.send().ignoreResult())
      .then([this, submission, &file, next = offset + *read]() mutable -> kj::Promise<void> {
        if (next >= file_->size()) return kj::READY_NOW;
        return SendRest(submission, file, next);
      });
}

kj::Promise<absl::StatusOr<JobId>> JobSubmission::Commit(
    capnp_master::Submission::Client submission) {
  return WithDeadline(link_.timer(), kCommitDeadline, "waiting for the master to accept the job",
                      submission.commitRequest().send())
      .then([](auto response) -> absl::StatusOr<JobId> {
        auto result = response.getResult();
        if (result.isRefused()) return Refused(result.getRefused());
        return JobId(result.getJob());
      });
}

}  // namespace millrace
