// The bytes of an input file that one range is about, in order: as they lie in the file, or
// decompressed.
//
// Positions count bytes of the content. Those of a plain file are its offsets; those of a range of
// a compressed file begin with 0 at the range, for where that lies in the content nobody knows.
#ifndef MILLRACE_STORAGE_BYTE_SOURCE_H_
#define MILLRACE_STORAGE_BYTE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/file_system.h"
#include "storage/input_split.h"

namespace millrace {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Position of the first byte that Read gives.
  virtual uint64_t begin() const = 0;

  // Whether a record begins at begin() for certain. Otherwise the first one that belongs to the
  // range is the first that begins behind it.
  virtual bool begins_with_record() const = 0;

  // A position: the record in which it lies is the range's last. Not set: not known yet, and all
  // that was read so far belongs to the range.
  virtual std::optional<uint64_t> last() const = 0;

  // How many bytes the next Read gives at most.
  virtual size_t NextReadBytes() const = 0;

  // Reads the next bytes into `buffer`, which has room for NextReadBytes(). 0: the file has ended.
  virtual absl::StatusOr<size_t> Read(char* buffer) = 0;

  // Whether content is missing before what the last Read gave: a damaged piece was stepped over.
  virtual bool gap() const { return false; }
};

// The file of a range, while it is read. Errors that say that it changed since the job was
// submitted are kFailedPrecondition.
class InputFileHandle {
 public:
  // kFailedPrecondition if the file is not the one that `range` describes (size and time of last
  // change), kInvalidArgument if the range does not lie in it; else the errors of OpenForReading.
  // `fs` must outlive this object.
  static absl::StatusOr<std::unique_ptr<InputFileHandle>> Open(FileSystem* fs,
                                                               const FileRange& range);

  // Reads exactly `length` bytes.
  absl::Status Read(uint64_t offset, size_t length, char* buffer);
  // Whether the file is still the one that was opened.
  absl::Status CheckUnchanged() const;

  const FileRange& range() const { return range_; }
  const std::string& path() const { return range_.file.path; }
  uint64_t size() const { return range_.file.size; }
  uint64_t range_end() const { return range_.offset + range_.length; }

 private:
  InputFileHandle(FileSystem* fs, const FileRange& range) : fs_(fs), range_(range) {}

  FileSystem* const fs_;
  const FileRange range_;
  std::unique_ptr<ReadableFile> file_;
};

// Reads about `read_bytes` at a time, on multiples of it, so that reads lie on pages; past the end
// of the range little at first and then more. With `looks_back`, it begins with the byte before the
// range, which tells whether a record begins there. `file` must outlive the source.
std::unique_ptr<ByteSource> MakePlainSource(InputFileHandle* file, uint64_t read_bytes,
                                            bool looks_back);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_BYTE_SOURCE_H_
