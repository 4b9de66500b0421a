// The files that go with a job to its workers: the executable that it is, and its side files.
//
// Plain values. What a job says of them is in rpc/task_types.h.
#ifndef MILLRACE_RPC_JOB_FILES_H_
#define MILLRACE_RPC_JOB_FILES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

// A file that goes with a job to its workers: the executable that is the job, or a side file.
struct JobBinary {
  std::string path;    // on the client's host
  std::string sha256;  // 64 hexadecimal digits
  uint64_t size = 0;   // bytes
  int64_t mtime_ns = 0;
  uint64_t inode = 0;
  // Of the client's host. There the executable is used in place; a side file never is, because
  // people edit scripts while jobs run.
  std::string host_id;
  std::string name;        // of a side file, in the folder that programs see; else empty
  bool executable = true;  // what a side file is on the client's host

  bool is_side_file() const { return !name.empty(); }
  // "the job's binary /bin/wordcount", for messages.
  std::string Describe() const;
};

constexpr size_t kMaxSideFiles = 100;

// The side file of that name, or without a name the executable; null if there is none.
template <class JobSpecOrContext>
const JobBinary* FindJobFile(const JobSpecOrContext& job, std::string_view name) {
  if (name.empty()) return &job.binary;
  for (const JobBinary& file : job.side_files) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

}  // namespace millrace

#endif  // MILLRACE_RPC_JOB_FILES_H_
