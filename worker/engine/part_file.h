// The file of a part: bytes in, compressed or not, and the digest of what lies on the disk.
//
//   MILLRACE_ASSIGN_OR_RETURN(auto file, PartFile::Create(fs, path, /*zstd=*/false));
//   MILLRACE_RETURN_IF_ERROR(file->Append(bytes));
//   MILLRACE_RETURN_IF_ERROR(file->Finish());
//
// The file lies under a temporary name until Finish, which makes it durable; a part that goes
// without Finish leaves nothing. Compressed, it consists of frames of 4 MiB, so that it can be cut
// when it is read again. One thread.
#ifndef MILLRACE_WORKER_ENGINE_PART_FILE_H_
#define MILLRACE_WORKER_ENGINE_PART_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/digest.h"
#include "storage/file_system.h"

namespace millrace {

class PartFile {
 public:
  static absl::StatusOr<std::unique_ptr<PartFile>> Create(FileSystem* fs, const std::string& path,
                                                          bool zstd);
  virtual ~PartFile() = default;

  virtual absl::Status Append(std::string_view bytes) = 0;
  virtual absl::Status Finish() = 0;

  // Of the file; known after Finish.
  virtual uint64_t bytes() const = 0;
  virtual const Digest& digest() const = 0;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_PART_FILE_H_
