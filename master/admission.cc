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

// A job that is being looked at. The I/O thread writes to it while nobody else looks.
struct Admission::Candidate {
  JobId job;
  JobSpec spec;
  std::shared_ptr<StoredJob> stored;
  std::string encoded;  // the specification, for the journal
  std::vector<Digest> fingerprints;
  bool staged = false;
  std::string objection;  // set: refused, later steps do nothing

  // `unfinished`: the keys and output folders of all our other jobs. `same_folder`: the keys of
  // those under way to this folder; the core will choose between them.
  absl::Status Prepare(FileSystem& fs, const std::string& cluster_id, bool ends_with_us,
                       const std::map<std::string, std::string>& unfinished,
                       const std::set<std::string>& same_folder) {
    stored = std::make_shared<StoredJob>(MakeStoredJob(job, spec, cluster_id));
    JobContext& context = stored->context;
    if (spec.map_only() && context.map_count > kPartsMax) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a job without reduces writes one part for each of its ", context.map_count,
          " map tasks; at most ", kPartsMax, " are possible, so use a larger --split_mb"));
    }
    OutputRequest request;
    request.output = spec.output_folder;
    request.overwrite = spec.overwrite;
    request.inputs = spec.inputs;
    OutputCommitter committer(&fs);
    committer.RemoveAbandoned(spec.output_folder);
    // What else is there of this cluster is of a master that was killed before it had accepted the
    // job.
    committer.RemoveUnknown(spec.output_folder, cluster_id, unfinished);
    MILLRACE_RETURN_IF_ERROR(CheckOutput(fs, request));
    MILLRACE_ASSIGN_OR_RETURN(
        context.nonce, committer.Stage(spec.output_folder, context.staging_key, context.nonce));
    staged = true;
    if (ends_with_us) {
      stored->held_staging = committer.HoldStaging(spec.output_folder, context.staging_key);
    }
    MILLRACE_RETURN_IF_ERROR(committer.CheckNoOtherJob(spec.output_folder, same_folder));
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

Admission::Admission(Services services) : services_(std::move(services)) {}

kj::Promise<AdmissionAnswer> Admission::Admit(JobSpec spec) {
  const JobId same = services_.core.JobOfRequest(spec.request_id);
  if (same.is_set()) {  // accepted a moment ago: maybe not durably yet
    return services_.events.Durable().then([same]() { return AdmissionAnswer{same, ""}; });
  }
  const std::string rival = RivalFor(spec.output_folder);
  if (!rival.empty()) return AdmissionAnswer{JobId(), rival};

  auto candidate = std::make_shared<Candidate>();
  candidate->job = ReserveJob();
  candidate->spec = std::move(spec);
  under_way_[candidate->job] = candidate->spec.output_folder;
  auto admitted = Stage(candidate)
                      .then([this, candidate]() { return AskWorkers(candidate); })
                      .then([this, candidate]() { return Submit(candidate); });
  auto end = kj::defer([this, job = candidate->job]() { under_way_.erase(job); });
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
       ends_with_us = services_.jobs_end_with_master, unfinished = JobsBeside(candidate->job),
       same_folder = KeysUnderWayTo(candidate->spec.output_folder)]() {
        return candidate->Prepare(fs, cluster_id, ends_with_us, unfinished, same_folder);
      });
  return prepared.then([candidate](absl::Status status) {
    if (!status.ok()) candidate->objection = std::string(status.message());
  });
}

std::map<std::string, std::string> Admission::JobsBeside(JobId candidate) const {
  std::map<std::string, std::string> folders = services_.jobs.OutputFolders();
  for (const auto& [job, folder] : under_way_) {
    if (job != candidate) folders.emplace(JobKey(job, services_.cluster_id), folder);
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
  services_.jobs.Put(candidate->stored);  // a worker may come for the binary, now and later
  return services_.links.FindObjection(candidate->stored->context, kPatienceWithWorkers)
      .then([candidate](std::string objection) { candidate->objection = std::move(objection); });
}

kj::Promise<AdmissionAnswer> Admission::Submit(std::shared_ptr<Candidate> candidate) {
  if (!candidate->objection.empty()) {
    Undo(*candidate);
    return AdmissionAnswer{JobId(), candidate->objection};
  }
  auto decided = decisions_.Await(candidate->spec.request_id);
  services_.events.Happened(JobSubmitted{MakePlan(*candidate->stored, candidate->spec),
                                         std::move(candidate->encoded), candidate->job,
                                         std::move(candidate->fingerprints)});
  return decided.then(
      [this, candidate](AnswerSubmit answer) { return Conclude(*candidate, answer); });
}

AdmissionAnswer Admission::Conclude(const Candidate& candidate, const AnswerSubmit& answer) {
  if (answer.reply == SubmitReply::kAccepted && answer.job == candidate.job) {
    LOG(INFO) << candidate.job << " \"" << candidate.spec.name
              << "\" was accepted: " << CountText(candidate.stored->splits.size(), "map task")
              << ", " << CountText(candidate.stored->context.reducers, "reduce") << ", output in "
              << candidate.stored->context.output_folder;
    return {answer.job, ""};
  }
  Undo(candidate);
  return {answer.job, answer.reply == SubmitReply::kAccepted ? "" : answer.message};
}

void Admission::Undo(const Candidate& candidate) {
  services_.jobs.Remove(candidate.job);
  services_.links.ReleaseEverywhere(candidate.job);
  if (candidate.staged) services_.publisher.Abort(*candidate.stored, []() {});
}

void Admission::Answer(const AnswerSubmit& action) { decisions_.Answer(action.request_id, action); }

}  // namespace millrace
