// Whether a job may write to an output folder, asked before anything is done.
#ifndef MILLRACE_STORAGE_OUTPUT_CHECK_H_
#define MILLRACE_STORAGE_OUTPUT_CHECK_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "storage/file_system.h"
#include "storage/input_split.h"

namespace millrace {

struct OutputRequest {
  std::string output;  // absolute
  bool overwrite = false;
  std::vector<InputFile> inputs;
  std::vector<std::string> input_folders;  // that were searched for input (InputList::folders)
  // Whether to try writing there, with a file that is removed again. Who stages the job next finds
  // out anyway, and leaves nothing when killed in between.
  bool try_writing = false;
};

// The folder must not exist, or be empty but for what killed jobs left in its folder _millrace,
// unless `overwrite`; it must not lie inside a folder that was searched for input, nor hold any
// input; and, if that is to be tried, it must be possible to write there. Links are resolved.
// Leaves nothing behind.
//
// Errors, in words for the person who chose the folder: kAlreadyExists (not empty),
// kInvalidArgument (inside the input, or the input inside it), kFailedPrecondition (not a folder),
// kPermissionDenied and other errors of writing.
absl::Status CheckOutput(FileSystem& fs, const OutputRequest& request);

// Whether map outputs may be kept in `keep` (absolute): it is a folder that can be written, or can
// become one, and lies neither in the output of `request` nor in a folder that was searched for
// input. Links are resolved. Leaves nothing behind; errors as above.
absl::Status CheckKeepFolder(FileSystem& fs, const std::string& keep, const OutputRequest& request);

// Whether this host sees the output folder of a job: the file `nonce_path` in it (made by
// OutputCommitter::Stage) holds `nonce`. kFailedPrecondition if not.
absl::Status CheckOutputVisible(FileSystem& fs, const std::string& nonce_path,
                                const std::string& nonce);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_OUTPUT_CHECK_H_
