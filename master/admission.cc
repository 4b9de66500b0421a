#include "master/admission.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "mapreduce/count_text.h"
#include "mapreduce/status_macros.h"
#include "master/map_fingerprints.h"
#include "rpc/wire.h"
#include "storage/output_check.h"
#include "storage/output_committer.h"
#include "storage/paths.h"

namespace millrace {
namespace {

constexpr uint32_t kPartsMax = 99'999;  // five digits in the name of a part

}  // namespace

// One job of a chain; mostly there is only one.
struct Admission::Step {
  JobId job;
  JobSpec spec;
  std::shared_ptr<StoredJob> stored;
  std::string encoded;  // the specification, for the journal
  std::vector<Digest> fingerprints;
  std::string topmost_missing;  // as in StagingPlan
  bool staged = false;

  absl::Status Prepare(OutputCommitter& committer, const std::string& cluster_id,
                       bool ends_with_us) {
    stored = std::make_shared<StoredJob>(MakeStoredJob(job, spec, cluster_id));
    JobContext& context = stored->context;
    if (spec.map_only() && context.map_count > kPartsMax) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a job without reduces writes one part for each of its ", context.map_count,
          " map tasks; at most ", kPartsMax, " are possible, so use a larger --split_mb"));
    }
    MILLRACE_ASSIGN_OR_RETURN(
        context.nonce,
        committer.Stage({spec.output_folder, context.staging_key, context.nonce, topmost_missing}));
    staged = true;
    if (ends_with_us) {
      stored->held_staging = committer.HoldStaging(spec.output_folder, context.staging_key);
    }
    if (context.keeps_outputs()) {
      MILLRACE_RETURN_IF_ERROR(
          committer.Keep(spec.output_folder, context.staging_key, context.keep_folder));
    }
    fingerprints = MapFingerprints(spec, stored->splits);
    encoded = EncodeJobSpec(spec);
    spec.inputs.clear();
    return absl::OkStatus();
  }
};

// A job that is being looked at, or a chain. The I/O thread writes to it while nobody else looks.
struct Admission::Candidate {
  std::vector<Step> steps;  // first to last
  std::string objection;    // set: refused, later steps do nothing

  const Step& last() const { return steps.back(); }
  bool Has(JobId job) const {
    return std::any_of(steps.begin(), steps.end(),
                       [job](const Step& step) { return step.job == job; });
  }

  // `unfinished`: the keys and output folders of all our other jobs. `same_folder`: the keys of
  // those under way to this folder; the core will choose between them.
  absl::Status Prepare(FileSystem& fs, const std::string& cluster_id, bool ends_with_us,
                       const std::map<std::string, std::string>& unfinished,
                       const std::set<std::string>& same_folder) {
    OutputRequest request;
    request.output = last().spec.output_folder;
    request.overwrite = last().spec.overwrite;
    request.inputs = steps.front().spec.inputs;
    OutputCommitter committer(&fs);
    committer.RemoveAbandoned(request.output);
    // What else is there of this cluster is of a master that was killed before it had accepted the
    // job.
    committer.RemoveUnknown(request.output, cluster_id, unfinished);
    MILLRACE_RETURN_IF_ERROR(CheckOutput(fs, request));
    MILLRACE_ASSIGN_OR_RETURN(const std::string topmost_missing,
                              committer.TopmostMissing(request.output));
    for (Step& step : steps) {
      step.topmost_missing = topmost_missing;
      MILLRACE_RETURN_IF_ERROR(step.Prepare(committer, cluster_id, ends_with_us));
    }
    return committer.CheckNoOtherJob(request.output, same_folder);
  }

  JobSubmitted Event() {
    const auto event_of = [](Step& step) {
      return JobSubmitted{MakePlan(*step.stored, step.spec), std::move(step.encoded), step.job,
                          std::move(step.fingerprints)};
    };
    JobSubmitted event = event_of(steps.back());
    for (size_t i = 0; i + 1 < steps.size(); ++i) event.before.push_back(event_of(steps[i]));
    return event;
  }
};

Admission::Admission(Services services) : services_(std::move(services)) {}

kj::Promise<AdmissionAnswer> Admission::Admit(JobSpec spec) {
  const JobId same = services_.core.JobOfRequest(spec.request_id);
  if (same.is_set()) {  // accepted a moment ago: maybe not durably yet
    return services_.events.Durable().then([same]() { return AdmissionAnswer{same, ""}; });
  }
  const std::string rival = RivalFor(spec.output_folder);
  if (!rival.empty()) return AdmissionAnswer{JobId(), rival};

  auto candidate = std::make_shared<Candidate>();
  for (JobSpec& step : ChainOf(std::move(spec))) {
    candidate->steps.push_back(Step{ReserveJob(), std::move(step)});
    under_way_[candidate->last().job] = candidate->last().spec.output_folder;
  }
  auto admitted = Stage(candidate)
                      .then([this, candidate]() { return AskWorkers(candidate); })
                      .then([this, candidate]() { return Submit(candidate); });
  auto end = kj::defer([this, candidate]() {
    for (const Step& step : candidate->steps) under_way_.erase(step.job);
  });
  return running_.wrap(admitted.attach(kj::mv(end)));
}

// Several submissions may be under way, and each has staged under its number before the core hears
// of it: so numbers are given here.
JobId Admission::ReserveJob() {
  next_job_ = std::max(next_job_, services_.core.NextJobId().value());
  return JobId(next_job_++);
}

// The core decides on this too; asked before anything is staged, it spares the folder the check
// whether it is empty, whose answer would be less helpful.
std::string Admission::RivalFor(const std::string& output_folder) const {
  for (JobId job : services_.core.Jobs()) {
    const absl::StatusOr<JobSnapshot> snapshot = services_.core.Job(job);
    if (!snapshot.ok() || snapshot->summary.state >= JobState::kSucceeded) continue;
    if (snapshot->summary.plan.output_folder != output_folder) continue;
    return absl::StrCat("unfinished ", ToString(job), " writes to ", output_folder,
                        "; wait for it, cancel it or choose another output folder");
  }
  return "";
}

kj::Promise<void> Admission::Stage(std::shared_ptr<Candidate> candidate) {
  auto prepared = services_.runner.Run(
      [candidate, &fs = services_.fs, cluster_id = services_.cluster_id,
       ends_with_us = services_.jobs_end_with_master, unfinished = JobsBeside(*candidate),
       same_folder = KeysUnderWayTo(candidate->last().spec.output_folder)]() {
        return candidate->Prepare(fs, cluster_id, ends_with_us, unfinished, same_folder);
      });
  return prepared.then([candidate](absl::Status status) {
    if (!status.ok()) candidate->objection = std::string(status.message());
  });
}

std::map<std::string, std::string> Admission::JobsBeside(const Candidate& candidate) const {
  std::map<std::string, std::string> folders = services_.jobs.OutputFolders();
  for (const auto& [job, folder] : under_way_) {
    if (!candidate.Has(job)) folders.emplace(JobKey(job, services_.cluster_id), folder);
  }
  return folders;
}

std::set<std::string> Admission::KeysUnderWayTo(const std::string& output_folder) const {
  std::set<std::string> keys;
  for (const auto& [job, folder] : under_way_) {
    if (folder == output_folder) keys.insert(JobKey(job, services_.cluster_id));
  }
  return keys;
}

kj::Promise<void> Admission::AskWorkers(std::shared_ptr<Candidate> candidate) {
  if (!candidate->objection.empty()) return kj::READY_NOW;
  // A worker may come for the binary, now and later.
  for (const Step& step : candidate->steps) services_.jobs.Put(step.stored);
  // What one job of a chain needs of a host, all do, and the first the input as well.
  return services_.links.FindObjection(candidate->steps[0].stored->context, kPatienceWithWorkers)
      .then([candidate](std::string objection) { candidate->objection = std::move(objection); });
}

kj::Promise<AdmissionAnswer> Admission::Submit(std::shared_ptr<Candidate> candidate) {
  if (!candidate->objection.empty()) {
    Undo(*candidate);
    return AdmissionAnswer{JobId(), candidate->objection};
  }
  auto decided = decisions_.Await(candidate->last().spec.request_id);
  services_.events.Happened(candidate->Event());
  return decided.then(
      [this, candidate](AnswerSubmit answer) { return Conclude(*candidate, answer); });
}

AdmissionAnswer Admission::Conclude(const Candidate& candidate, const AnswerSubmit& answer) {
  if (answer.reply == SubmitReply::kAccepted && answer.job == candidate.last().job) {
    for (const Step& step : candidate.steps) {
      const JobContext& context = step.stored->context;
      LOG(INFO) << step.job << " \"" << context.name
                << "\" was accepted: " << CountText(context.map_count, "map task") << ", "
                << CountText(context.reducers, "reduce") << ", output in " << context.output_folder;
    }
    return {answer.job, ""};
  }
  Undo(candidate);
  return {answer.job, answer.reply == SubmitReply::kAccepted ? "" : answer.message};
}

void Admission::Undo(const Candidate& candidate) {
  for (const Step& step : candidate.steps) {
    services_.jobs.Remove(step.job);
    services_.links.ReleaseEverywhere(step.job);
    if (step.staged) services_.publisher.Abort(*step.stored, []() {});
  }
}

void Admission::Answer(const AnswerSubmit& action) { decisions_.Answer(action.request_id, action); }

}  // namespace millrace
