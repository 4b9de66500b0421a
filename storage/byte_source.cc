#include "storage/byte_source.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"

namespace millrace {
namespace {

// The last line of a range ends past it. Most lines are shorter than this, so the read that reaches
// the end of the range usually finishes its last line as well.
constexpr uint64_t kPastEndBytes = 4096;

absl::Status InputChanged(const InputFile& file, const std::string& how) {
  return absl::FailedPreconditionError(
      absl::StrCat("input changed since the job was submitted: ", file.path, " (", how,
                   "); submit the job again when nobody writes to its input"));
}

absl::Status SizeChanged(const InputFile& file, uint64_t size_now) {
  return InputChanged(file, absl::StrCat("size was ", file.size, ", is ", size_now));
}

class PlainSource : public ByteSource {
 public:
  PlainSource(InputFileHandle* file, uint64_t read_bytes, bool looks_back)
      : file_(file),
        read_bytes_(read_bytes),
        begin_(file->range().offset - (looks_back ? 1 : 0)),
        looks_back_(looks_back),
        past_end_bytes_(std::min(kPastEndBytes, read_bytes)),
        position_(begin_) {}

  uint64_t begin() const override { return begin_; }
  bool begins_with_record() const override { return !looks_back_; }
  std::optional<uint64_t> last() const override { return file_->range_end() - 1; }

  size_t NextReadBytes() const override {
    const uint64_t left = file_->size() - position_;
    if (position_ >= file_->range_end()) return std::min(past_end_bytes_, left);
    const uint64_t aligned = read_bytes_ - position_ % read_bytes_;
    return std::min({aligned, left, file_->range_end() - position_ + past_end_bytes_});
  }

  absl::StatusOr<size_t> Read(char* buffer) override {
    const size_t length = NextReadBytes();
    if (length == 0) return 0;
    if (position_ >= file_->range_end()) {
      past_end_bytes_ = std::min(2 * past_end_bytes_, read_bytes_);
    }
    MILLRACE_RETURN_IF_ERROR(file_->Read(position_, length, buffer));
    position_ += length;
    return length;
  }

 private:
  InputFileHandle* const file_;
  const uint64_t read_bytes_;
  const uint64_t begin_;
  const bool looks_back_;
  uint64_t past_end_bytes_;  // how much to read at once past the end of the range
  uint64_t position_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<InputFileHandle>> InputFileHandle::Open(FileSystem* fs,
                                                                       const FileRange& range) {
  std::unique_ptr<InputFileHandle> handle(new InputFileHandle(fs, range));
  const uint64_t end = handle->range_end();
  if (end < range.offset || end > range.file.size) {
    return absl::InvalidArgumentError(absl::StrCat(range.file.path, ": has no bytes ", range.offset,
                                                   " to ", end, ", only ", range.file.size));
  }
  MILLRACE_ASSIGN_OR_RETURN(handle->file_, fs->OpenForReading(range.file.path));
  if (handle->file_->size() != range.file.size) {
    return SizeChanged(range.file, handle->file_->size());
  }
  MILLRACE_RETURN_IF_ERROR(handle->CheckUnchanged());
  return handle;
}

absl::Status InputFileHandle::Read(uint64_t offset, size_t length, char* buffer) {
  MILLRACE_ASSIGN_OR_RETURN(const size_t read, file_->Read(offset, length, buffer));
  return read < length ? SizeChanged(range_.file, offset + read) : absl::OkStatus();
}

absl::Status InputFileHandle::CheckUnchanged() const {
  MILLRACE_ASSIGN_OR_RETURN(const FileInfo info, fs_->Stat(path()));
  if (info.size != size()) return SizeChanged(range_.file, info.size);
  if (range_.file.mtime_ns != 0 && info.mtime_ns != range_.file.mtime_ns) {
    return InputChanged(range_.file, "same size, but written to since");
  }
  return absl::OkStatus();
}

std::unique_ptr<ByteSource> MakePlainSource(InputFileHandle* file, uint64_t read_bytes,
                                            bool looks_back) {
  return std::make_unique<PlainSource>(file, read_bytes, looks_back);
}

}  // namespace millrace
