#include "master/submission.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/count_text.h"
#include "mapreduce/status_macros.h"

namespace millrace {
namespace {

absl::Status AlreadySealed() {
  return absl::FailedPreconditionError("this submission has been committed already");
}

absl::Status CheckSize(const JobBinary& file) {
  if (file.size <= BinaryStore::kBinaryBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(file.Describe(), " has ", file.size,
                                                 " bytes; at most ", BinaryStore::kBinaryBytesMax,
                                                 " are possible"));
}

std::set<std::string> FilesOf(const JobSpec& spec) {
  std::set<std::string> files = {spec.binary.sha256};
  for (const JobBinary& file : spec.side_files) files.insert(file.sha256);
  return files;
}

absl::Status NoSuchFile(const std::string& name) {
  return absl::InvalidArgumentError(
      absl::StrCat("the job has announced no side file '", name, "'"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Submission>> Submission::Open(
    JobSpec spec, uint64_t input_count, std::shared_ptr<SubmissionBudget> budget,
    BinaryStore& binaries) {
  if (budget->open >= SubmissionBudget::kOpenMax) {
    return absl::ResourceExhaustedError(absl::StrCat("the master is taking in ", budget->open,
                                                     " other jobs already, its limit; try again "
                                                     "in a moment"));
  }
  if (input_count > kInputsMax) {
    return absl::InvalidArgumentError(absl::StrCat("the job has ", input_count,
                                                   " input files; a job has at most ", kInputsMax,
                                                   ", so put them together into larger files"));
  }
  MILLRACE_RETURN_IF_ERROR(CheckSize(spec.binary));
  for (const JobBinary& file : spec.side_files) MILLRACE_RETURN_IF_ERROR(CheckSize(file));
  return std::unique_ptr<Submission>(
      new Submission(std::move(spec), input_count, std::move(budget), binaries));
}

Submission::Submission(JobSpec spec, uint64_t input_count, std::shared_ptr<SubmissionBudget> budget,
                       BinaryStore& binaries)
    : spec_(std::move(spec)),
      input_count_(input_count),
      budget_(std::move(budget)),
      binaries_(binaries),
      hold_(binaries.HoldFiles(FilesOf(spec_))) {
  spec_.inputs.clear();
  ++budget_->open;
}

Submission::~Submission() {
  --budget_->open;
  budget_->input_bytes -= input_bytes_;
}

absl::Status Submission::AddInputs(std::vector<InputFile> files) {
  if (sealed_) return AlreadySealed();
  if (spec_.inputs.size() + files.size() > input_count_) {
    return absl::InvalidArgumentError(
        absl::StrCat("more input files than the ", input_count_, " that were announced"));
  }
  uint64_t bytes = 0;
  for (const InputFile& file : files) bytes += sizeof(InputFile) + file.path.size();
  if (budget_->input_bytes + bytes > SubmissionBudget::kInputBytesMax) {
    return absl::ResourceExhaustedError(
        "the names of the input files of all jobs that are being submitted need too much memory; "
        "try again in a moment, or with fewer files");
  }
  budget_->input_bytes += bytes;
  input_bytes_ += bytes;
  for (InputFile& file : files) spec_.inputs.push_back(std::move(file));
  return absl::OkStatus();
}

kj::Promise<absl::StatusOr<bool>> Submission::NeedsBinary(const std::string& file) {
  const JobBinary* const found = FindJobFile(spec_, file);
  if (found == nullptr) return absl::StatusOr<bool>(NoSuchFile(file));
  return binaries_.Needs(*found).then([](bool needed) { return absl::StatusOr<bool>(needed); });
}

kj::Promise<absl::Status> Submission::AddBinary(const std::string& file, uint64_t offset,
                                                std::string data) {
  if (sealed_) return AlreadySealed();
  const JobBinary* const found = FindJobFile(spec_, file);
  if (found == nullptr) return NoSuchFile(file);
  std::unique_ptr<BinaryStore::Upload>& upload = uploads_[file];
  if (upload == nullptr) upload = binaries_.StartUpload(*found);
  return upload->Append(offset, std::move(data));
}

kj::Promise<absl::StatusOr<JobSpec>> Submission::Seal() {
  if (sealed_) return absl::StatusOr<JobSpec>(AlreadySealed());
  sealed_ = true;
  if (spec_.inputs.size() != input_count_) {
    return absl::StatusOr<JobSpec>(absl::InvalidArgumentError(absl::StrCat(
        "only ", spec_.inputs.size(), " of ", CountText(input_count_, "input file"), " arrived")));
  }
  auto spec = std::make_shared<JobSpec>(std::move(spec_));
  return FinishUploads().then([spec](absl::Status status) -> absl::StatusOr<JobSpec> {
    if (!status.ok()) return status;
    return std::move(*spec);
  });
}

kj::Promise<absl::Status> Submission::FinishUploads() {
  auto ends = kj::heapArrayBuilder<kj::Promise<absl::Status>>(uploads_.size());
  for (auto& [name, upload] : uploads_) ends.add(upload->Finish());
  return kj::joinPromises(ends.finish()).then([](kj::Array<absl::Status> statuses) {
    absl::Status first;
    for (const absl::Status& status : statuses) first.Update(status);
    return first;
  });
}

}  // namespace millrace
