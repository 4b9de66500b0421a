// The file with which a process says to scripts that it is ready, and where: JSON on one line,
// complete or not there. It goes when the process ends in an orderly way.
//
//   ReadyFile ready(fs, options.ready_file);
//   MILLRACE_RETURN_IF_ERROR(ready.Check());        // before anything is done
//   MILLRACE_RETURN_IF_ERROR(ready.RemoveStale());  // once no other process can be meant
//   MILLRACE_RETURN_IF_ERROR(ready.Write(json));    // when all is ready
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
  // Removes the file, unless another process has put its own there since.
  ~ReadyFile();

  // Whether the file could be written, and nothing lies there but the ready file of an earlier
  // start, or an empty file. Changes nothing; kInvalidArgument names the flag.
  absl::Status Check();

  // Removes what a process that was killed has left, so that nobody takes it for ours.
  absl::Status RemoveStale();

  // Replaces what was there, by rename. Gone after a crash of the host, with the process.
  absl::Status Write(std::string_view json);

 private:
  FileSystem& fs_;
  const std::string path_;
  std::string written_;  // empty: nothing yet
};

}  // namespace millrace

#endif  // MILLRACE_RPC_READY_FILE_H_
