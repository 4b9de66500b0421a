#include "client/job_watch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

// However long the master is away, somebody may restart it. A person who waits has Ctrl-C.
constexpr kj::Duration kPatience = 365 * kj::DAYS;

// A large job changes thousands of times a second. Looking less often as it grows older keeps the
// master free, and costs at most 2 % of the job's time at its end.
constexpr kj::Duration kLongestPause = 100 * kj::MILLISECONDS;
constexpr int kPauseShare = 50;

}  // namespace

JobWatch::JobWatch(MasterLink& link, JobId job, JobWatchOptions options)
    : link_(link), job_(job), options_(kj::mv(options)), began_(link.timer().now()) {}

kj::Promise<absl::StatusOr<JobView>> JobWatch::Run() {
  return Next().catch_([this](kj::Exception&& exception) { return Reconnect(kj::mv(exception)); });
}

bool JobWatch::IsAnother(const JobView& view) {
  if (output_folder_.empty()) {
    submitted_unix_ms_ = view.submitted_unix_ms;
    output_folder_ = view.output_folder;
  }
  return view.submitted_unix_ms != submitted_unix_ms_ || view.output_folder != output_folder_;
}

absl::StatusOr<JobView> JobWatch::OtherCluster(const std::string& what) const {
  return absl::FailedPreconditionError(absl::StrCat(
      "the master at ", link_.address(), " has not the state of the one that ran ", ToString(job_),
      " (", what, "); start it with the same --state_dir, then `millrace --master=",
      link_.address(), " wait ", ToString(job_), "`"));
}

// One connection's worth of views: rejects when it is lost.
kj::Promise<absl::StatusOr<JobView>> JobWatch::Next() {
  return link_.Watch(job_, known_version_, options_.period)
      .then([this](absl::StatusOr<JobView> view) { return Take(std::move(view)); });
}

kj::Promise<absl::StatusOr<JobView>> JobWatch::Take(absl::StatusOr<JobView> view) {
  if (absl::IsNotFound(view.status()) && was_away_) {
    return OtherCluster(std::string(view.status().message()));
  }
  if (!view.ok()) return view;
  if (IsAnother(*view)) {
    return OtherCluster(absl::StrCat("its ", ToString(job_), " is another one, with the output ",
                                     view->output_folder));
  }
  if (view->ended()) return view;
  known_version_ = view->version;
  options_.on_view(*view);
  const kj::Duration age = link_.timer().now() - began_;
  return link_.timer()
      .afterDelay(std::min<kj::Duration>(kLongestPause, age / kPauseShare))
      .then([this]() { return Next(); });
}

kj::Promise<absl::StatusOr<JobView>> JobWatch::Reconnect(kj::Exception&& exception) {
  if (!MayPass(exception)) return kj::mv(exception);
  options_.on_note(absl::StrCat("lost the master at ", link_.address(), " (",
                                ToStatus(exception).message(), "); ", ToString(job_),
                                " goes on, waiting for the master to come back"));
  // Another master start may count versions anew.
  known_version_ = 0;
  was_away_ = true;
  return link_.Connect(kPatience).then([this]() {
    options_.on_note(absl::StrCat("the master at ", link_.address(), " is back"));
    return Run();
  });
}

}  // namespace millrace
