#include "rpc/ready_file.h"

#include <memory>

#include "absl/status/statusor.h"
#include "mapreduce/status_macros.h"
#include "storage/atomic_file.h"

namespace millrace {

absl::Status ReadyFile::Write(std::string_view json) {
  if (path_.empty()) return absl::OkStatus();
  MILLRACE_ASSIGN_OR_RETURN(auto file, AtomicFile::Create(fs_, path_));
  MILLRACE_RETURN_IF_ERROR(file->Append(std::string(json) + "\n"));
  return file->Commit(AtomicFile::kNotDurable);
}

}  // namespace millrace
