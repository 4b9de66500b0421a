// A job on its way in: its specification, then its input files in chunks, then its binary and its
// side files if this host has no copy. Nothing of it exists for anybody else before it is sealed
// and admitted.
//
// As long as it lives the store keeps the files that it names, so that one which need not be sent
// is there when the job is. Dropped, it leaves nothing. Bounded, together with all other
// submissions, by SubmissionBudget. One loop; not thread-safe.
#ifndef MILLRACE_MASTER_SUBMISSION_H_
#define MILLRACE_MASTER_SUBMISSION_H_

#include <kj/async.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "master/binary_store.h"
#include "rpc/task_types.h"

namespace millrace {

// What all submissions under way may hold together.
struct SubmissionBudget {
  size_t open = 0;
  uint64_t input_bytes = 0;  // of memory, for the names of input files

  static constexpr size_t kOpenMax = 64;
  static constexpr uint64_t kInputBytesMax = 2ull << 30;
};

class Submission {
 public:
  static constexpr uint64_t kInputsMax = 10'000'000;

  // kResourceExhausted when too many are under way; kInvalidArgument for too many inputs. `spec`
  // comes without its inputs, of which there will be `input_count`. `binaries` must outlive the
  // submission's calls.
  static absl::StatusOr<std::unique_ptr<Submission>> Open(JobSpec spec, uint64_t input_count,
                                                          std::shared_ptr<SubmissionBudget> budget,
                                                          BinaryStore& binaries);
  ~Submission();
  KJ_DISALLOW_COPY(Submission);

  // In input order.
  absl::Status AddInputs(std::vector<InputFile> files);

  // `file`: the name of a side file, or empty for the binary.
  kj::Promise<absl::StatusOr<bool>> NeedsBinary(const std::string& file);
  kj::Promise<absl::Status> AddBinary(const std::string& file, uint64_t offset, std::string data);

  // Everything has been said: checks that it is complete, and gives it away. Once.
  kj::Promise<absl::StatusOr<JobSpec>> Seal();

 private:
  Submission(JobSpec spec, uint64_t input_count, std::shared_ptr<SubmissionBudget> budget,
             BinaryStore& binaries);

  kj::Promise<absl::Status> FinishUploads();

  JobSpec spec_;
  const uint64_t input_count_;
  const std::shared_ptr<SubmissionBudget> budget_;
  BinaryStore& binaries_;
  const BinaryStore::Hold hold_;
  uint64_t input_bytes_ = 0;
  std::map<std::string, std::unique_ptr<BinaryStore::Upload>> uploads_;  // by name of the file
  bool sealed_ = false;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_SUBMISSION_H_
