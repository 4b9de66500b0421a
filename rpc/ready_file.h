// The file with which a process says to scripts that it is ready, and where: JSON on one line,
// complete or not there.
//
//   ReadyFile ready(fs, options.ready_file);
//   MILLRACE_RETURN_IF_ERROR(ready.Write(content));
//
// Blocks; one thread. The file system must outlive it.
#ifndef MILLRACE_RPC_READY_FILE_H_
#define MILLRACE_RPC_READY_FILE_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "storage/file_system.h"

namespace millrace {

class ReadyFile {
 public:
  // An empty path: nobody wants to know, and everything succeeds.
  ReadyFile(FileSystem& fs, std::string path) : fs_(fs), path_(std::move(path)) {}
  ReadyFile(const ReadyFile&) = delete;
  ReadyFile& operator=(const ReadyFile&) = delete;

  // Replaces what was there, by rename. Gone after a crash of the host, with the process.
  absl::Status Write(std::string_view json);

 private:
  FileSystem& fs_;
  const std::string path_;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_READY_FILE_H_
