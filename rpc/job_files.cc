#include "rpc/job_files.h"

namespace millrace {

std::string JobBinary::Describe() const {
  return (is_side_file() ? "the job's file " : "the job's binary ") + path;
}

}  // namespace millrace
