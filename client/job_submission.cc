#include "client/job_submission.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "rpc/deadline.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

// Calls, when nobody knows how those before ended. A master that starts anew takes one.
constexpr int kCallsMax = 5;
// A place is free as soon as another job is taken in, which takes milliseconds.
constexpr BackoffOptions kAskAgain = {20 * kj::MILLISECONDS, 1 * kj::SECONDS};
constexpr size_t kInputsPerCall = 1000;
constexpr size_t kBinaryBytesPerCall = 1 << 20;
constexpr kj::Duration kCallDeadline = 10 * kj::SECONDS;
// The master may ask its workers whether they see the folders, and waits for a sync.
constexpr kj::Duration kAdmissionMax = 60 * kj::SECONDS;
// Over the slowest of networks.
constexpr uint64_t kUploadBytesPerSecondMin = 64 << 10;
// Whatever the sizes of files say.
constexpr uint64_t kUploadSecondsMax = 30 * 24 * 3600;

}  // namespace

JobSubmission::JobSubmission(MasterLink& link, JobSpec spec, kj::Duration patience)
    : link_(link),
      spec_(std::move(spec)),
      patience_(patience),
      give_up_(link.timer().now() + patience),
      backoff_(kAskAgain, DrawNumber(link.entropy())),
      calls_left_(kCallsMax),
      deadline_(link.timer().now() + Deadline()) {}

// --- The call ---

kj::Promise<absl::StatusOr<JobId>> JobSubmission::Run() {
  --calls_left_;
  CallerOptions options;
  options.deadline = deadline_ - link_.timer().now();
  options.backoff = kAskAgain;
  options.entropy = link_.entropy();
  caller_ = kj::heap<Caller>(
      link_.timer(), link_.address(), [this]() { return Reach(); }, options);
  return caller_->Call(CallMode::kAtMostOnce, spec_.request_id).then([this](CallResult result) {
    // The caller would go on keeping a connection.
    return kj::evalLater([this, result = std::move(result)]() {
      caller_ = nullptr;
      submission_ = nullptr;
      return Conclude(result);
    });
  });
}

kj::Duration JobSubmission::Deadline() const {
  uint64_t bytes = spec_.binary.size;
  for (const JobBinary& file : spec_.side_files) bytes += file.size;
  const auto seconds =
      static_cast<int64_t>(std::min(bytes / kUploadBytesPerSecondMin, kUploadSecondsMax));
  return patience_ + kAdmissionMax + seconds * kj::SECONDS;
}

kj::Promise<absl::StatusOr<JobId>> JobSubmission::Conclude(const CallResult& result) {
  switch (result.end) {
    case CallEnd::kDone: return Done(result.bytes);
    case CallEnd::kRefused: return NotDone(result.bytes);
    case CallEnd::kUnknown: break;
  }
  may_be_accepted_ = true;
  return Unknown(result.bytes);
}

kj::Promise<absl::StatusOr<JobId>> JobSubmission::Done(const std::string& reply) {
  uint64_t job = 0;
  if (absl::SimpleAtoi(reply, &job)) return absl::StatusOr<JobId>(JobId(job));
  // A copy of the call was held back, and came when what it was to make the job of was gone.
  if (reply.empty() && MayCallAgain()) return Run();
  return ToException(
      absl::InternalError(absl::StrCat(link_.address(), " answers with no job: ", reply)));
}

// Refused by the master, or never sent.
kj::Promise<absl::StatusOr<JobId>> JobSubmission::NotDone(const std::string& why) {
  const bool in_time = link_.timer().now() < deadline_;
  if (master_has_it_ && in_time) {  // it knows of no job that an earlier call has made
    return absl::StatusOr<JobId>(absl::FailedPreconditionError(why));
  }
  if (may_be_accepted_) return Unknown(why);
  KJ_IF_MAYBE (failure, failure_) return kj::cp(*failure);
  if (!in_time) return ToException(absl::UnavailableError(why));
  return absl::StatusOr<JobId>(absl::FailedPreconditionError(why));
}

// Another call cannot make another job: its request id is the same.
kj::Promise<absl::StatusOr<JobId>> JobSubmission::Unknown(const std::string& why) {
  if (failure_ == nullptr && MayCallAgain()) return Run();
  return ToException(absl::UnavailableError(
      absl::StrCat(link_.address(), " did not say whether it has accepted the job: ", why,
                   "; `millrace --master=", link_.address(), " jobs` lists those it has")));
}

bool JobSubmission::MayCallAgain() { return calls_left_ > 0 && link_.timer().now() < deadline_; }

// --- What goes before it ---

kj::Promise<kj::Own<Connection>> JobSubmission::Reach() {
  failure_ = nullptr;
  submission_ = nullptr;
  master_has_it_ = false;
  return link_.Open(patience_)
      .catch_([this](kj::Exception&& e) -> kj::Promise<kj::Own<Connection>> {
        return GiveUp(std::move(e));
      })
      .then([this](kj::Own<Connection> connection) {
        kj::Promise<void> sent = Upload(connection->Peer().castAs<capnp_master::Jobs>());
        return sent.then([this, connection = kj::mv(connection)]() mutable {
          master_has_it_ = true;
          return kj::mv(connection);
        });
      });
}

kj::Exception JobSubmission::GiveUp(kj::Exception&& why) {
  failure_ = kj::cp(why);
  return ToException(absl::FailedPreconditionError(ToStatus(why).message()));
}

kj::Promise<void> JobSubmission::Upload(capnp_master::Jobs::Client jobs) {
  auto request = jobs.beginRequest();
  Write(spec_, request.initSpec());
  request.getClient().setHigh(caller_->client().high);
  request.getClient().setLow(caller_->client().low);
  return WithDeadline(link_.timer(), kCallDeadline, absl::StrCat("submitting to ", link_.address()),
                      request.send())
      .then([this, jobs](auto response) mutable -> kj::Promise<void> {
        auto result = response.getResult();
        if (result.isAlreadyAccepted()) return kj::READY_NOW;  // the call will say so
        if (result.isBusy()) return UploadLater(jobs, ReadMessageText(result.getBusy()));
        if (result.isRefused()) {
          return ToException(absl::FailedPreconditionError(ReadMessageText(result.getRefused())));
        }
        submission_ = result.getSubmission();
        return SendInputs(/*first=*/0).then([this]() { return SendFiles(/*first=*/0); });
      });
}

kj::Promise<void> JobSubmission::UploadLater(capnp_master::Jobs::Client jobs,
                                             const std::string& why_not_now) {
  const kj::TimePoint next = link_.timer().now() + backoff_.Next();
  if (next > give_up_) {
    return GiveUp(ToException(absl::FailedPreconditionError(absl::StrCat(
        link_.address(), ": ", why_not_now, " (tried for ", FormatDuration(patience_), ")"))));
  }
  return link_.timer().atTime(next).then([this, jobs]() mutable { return Upload(kj::mv(jobs)); });
}

capnp_master::Submission::Client& JobSubmission::submission() {
  return KJ_ASSERT_NONNULL(submission_);
}

kj::Promise<void> JobSubmission::SendInputs(size_t first) {
  const size_t count = std::min(kInputsPerCall, spec_.inputs.size() - first);
  if (count == 0) return kj::READY_NOW;
  auto request = submission().addInputsRequest();
  auto files = request.initFiles(count);
  for (size_t i = 0; i < count; ++i) Write(spec_.inputs[first + i], files[i]);
  return WithDeadline(link_.timer(), kCallDeadline, "sending the list of input files",
                      request.send().ignoreResult())
      .then([this, next = first + count]() { return SendInputs(next); });
}

kj::Promise<void> JobSubmission::SendFiles(size_t first) {
  if (first > spec_.side_files.size()) return kj::READY_NOW;
  return SendIfNeeded(first == 0 ? spec_.binary : spec_.side_files[first - 1])
      .then([this, first]() { return SendFiles(first + 1); });
}

kj::Promise<void> JobSubmission::SendIfNeeded(const JobBinary& file) {
  auto request = submission().needsBinaryRequest();
  request.setFile(file.name);
  return WithDeadline(link_.timer(), kCallDeadline, "asking whether a file must be sent",
                      request.send())
      .then([this, &file](auto response) -> kj::Promise<void> {
        if (!response.getNeeded()) return kj::READY_NOW;
        absl::StatusOr<std::unique_ptr<ReadableFile>> opened =
            PosixFileSystem().OpenForReading(file.path);
        if (!opened.ok()) return ToException(opened.status());
        file_ = *std::move(opened);
        return SendRest(file, /*offset=*/0);
      });
}

// An empty file is a piece without bytes.
kj::Promise<void> JobSubmission::SendRest(const JobBinary& file, uint64_t offset) {
  auto request = submission().addBinaryRequest();
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
      .then([this, &file, next = offset + *read]() -> kj::Promise<void> {
        if (next >= file_->size()) return kj::READY_NOW;
        return SendRest(file, next);
      });
}

}  // namespace millrace
