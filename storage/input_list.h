// From what a person names as input to the list of files, as they are now.
//
// A pattern is one of:
//   a file                       taken as it is, whatever its name
//   a folder                     all files below it; names that start with '_' or '.' are skipped
//   a path with `*`, `?`, `**`   what matches: files, and all files below folders. A `*` or `?`
//                                matches no '/', and no '_' or '.' at the front of a name; `**` as
//                                a whole component stands for any number of folders
//   @FILE                        FILE holds one path a line, of a file or folder, taken literally;
//                                lines end with LF or CRLF, empty ones are skipped
// A file that is named more than once, in whatever way, is input once. Symbolic links are followed;
// a link to a folder that holds it is an error.
#ifndef MILLRACE_STORAGE_INPUT_LIST_H_
#define MILLRACE_STORAGE_INPUT_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/file_system.h"
#include "storage/input_split.h"

namespace millrace {

// More is taken for a mistake.
constexpr size_t kMaxInputFiles = 5'000'000;
constexpr int kMaxInputFolderDepth = 100;
constexpr uint64_t kMaxInputListBytes = uint64_t{1} << 30;  // of a file given with @

struct InputList {
  // In the order of the patterns, those of one pattern in byte order of their paths. Paths are
  // absolute. A path that comes more than once is kept where it comes first.
  std::vector<InputFile> files;
  // Those that came again, once for each time.
  std::vector<std::string> repeated;
  // The files given with @.
  std::vector<InputFile> lists;
  // The folders that were searched through: named, or matched, or where `**` stands.
  std::vector<std::string> folders;
};

// Expands `patterns`; relative ones are seen from the absolute folder `base`. Every file was opened
// once to see that it can be read.
//
// Errors, each naming the pattern and the path: kNotFound (missing, or nothing matches),
// kPermissionDenied, kInvalidArgument (a FIFO, socket or device; no pattern at all),
// kFailedPrecondition (a loop of links), kResourceExhausted (too many files).
absl::StatusOr<InputList> ExpandInputs(FileSystem& fs, const std::vector<std::string>& patterns,
                                       const std::string& base);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_INPUT_LIST_H_
