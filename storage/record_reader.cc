#include "storage/record_reader.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/compressed_source.h"

namespace millrace {
namespace {

// Room for an incomplete record in front of a full read, before the buffer has to grow.
constexpr size_t kTailRoom = 64 << 10;

// The part of `range` that begins and ends with a record.
FileRange AlignedTo(uint64_t record_bytes, FileRange range) {
  const auto aligned = [&](uint64_t position) {
    return std::min((position + record_bytes - 1) / record_bytes * record_bytes, range.file.size);
  };
  const uint64_t end = aligned(range.offset + range.length);
  range.offset = aligned(range.offset);
  range.length = end - range.offset;
  return range;
}

const char* NameOf(const RecordShape& shape) {
  return shape.format == InputFormat::kLines ? "line" : "record";
}

}  // namespace

RecordReader::RecordReader(FileSystem* fs, const Options& options)
    : fs_(fs),
      options_(options),
      buffer_(options.read_bytes + kTailRoom, options.max_record_bytes + options.read_bytes) {
  CHECK_GT(options_.read_bytes, 0u);
  CHECK(options_.shape.format != InputFormat::kFixedSize || options_.shape.record_bytes > 0);
}

absl::Status RecordReader::Open(const FileRange& range) {
  done_ = true;
  const RecordShape& shape = options_.shape;
  const bool plain = range.file.compression == Compression::kNone;
  const bool fixed = shape.format == InputFormat::kFixedSize;
  MILLRACE_ASSIGN_OR_RETURN(
      file_,
      InputFileHandle::Open(fs_, plain && fixed ? AlignedTo(shape.record_bytes, range) : range));
  if (shape.whole_file() && range.length != range.file.size) {
    return absl::InvalidArgumentError(
        absl::StrCat(range.file.path, ": a file that is one record cannot be cut"));
  }
  if (shape.format == InputFormat::kKeyValue) {
    key_values_ = std::make_unique<KeyValueReader>(file_.get(),
                                                   options_.max_record_bytes + kKeyValueBlockBytes);
    MILLRACE_RETURN_IF_ERROR(key_values_->Open());
    buffer_.Clear(range.offset);
    done_ = false;
    return absl::OkStatus();
  }
  const bool looks_back = shape.terminated() && range.offset > 0;
  source_ = plain ? MakePlainSource(file_.get(), options_.read_bytes, looks_back) : Decompressed();
  buffer_.Clear(source_->begin());
  scanned_ = source_->begin();
  skipping_ = !source_->begins_with_record();
  ended_ = false;
  done_ = file_->range().length == 0;
  return absl::OkStatus();
}

std::unique_ptr<ByteSource> RecordReader::Decompressed() {
  if (options_.skipped_frames == nullptr || !options_.shape.terminated()) {
    return MakeCompressedSource(file_.get(), options_.read_bytes);
  }
  return MakeSteppingSource(file_.get(), options_.read_bytes, *options_.skipped_frames);
}

absl::StatusOr<bool> RecordReader::Next(InputChunk* chunk) {
  buffer_.TakeBack();
  if (!done_) {
    MILLRACE_ASSIGN_OR_RETURN(const bool more, NextOf(chunk));
    if (more) return true;
  }
  if (file_ != nullptr) {
    MILLRACE_RETURN_IF_ERROR(file_->CheckUnchanged());
    source_.reset();
    key_values_.reset();
    file_.reset();
  }
  return false;
}

absl::StatusOr<bool> RecordReader::NextOf(InputChunk* chunk) {
  switch (options_.shape.format) {
    case InputFormat::kFixedSize: return NextFixed(chunk);
    case InputFormat::kKeyValue: return NextBlock(chunk);
    case InputFormat::kWholeFile: return WholeFile(chunk);
    default: return NextTerminated(chunk);
  }
}

absl::StatusOr<bool> RecordReader::NextBlock(InputChunk* chunk) {
  MILLRACE_ASSIGN_OR_RETURN(const bool more, key_values_->Next(&buffer_));
  if (!more) return false;
  buffer_.HandOut(buffer_.end(), chunk);
  return true;
}

absl::StatusOr<bool> RecordReader::NextTerminated(InputChunk* chunk) {
  while (!done_) {
    if (skipping_) {
      MILLRACE_RETURN_IF_ERROR(SkipPartialRecord());
      continue;
    }
    const uint64_t cut = FindCut();
    if (cut > buffer_.begin()) {
      buffer_.HandOut(cut, chunk);
      return true;
    }
    if (done_) break;
    if (buffer_.size() > options_.max_record_bytes) return TooLong(buffer_.begin());
    MILLRACE_RETURN_IF_ERROR(Fill());
  }
  return false;
}

absl::StatusOr<bool> RecordReader::NextFixed(InputChunk* chunk) {
  const uint64_t record = options_.shape.record_bytes;
  while (BytesOfRange() < record && !ended_ && !HasLast()) MILLRACE_RETURN_IF_ERROR(Fill());
  const uint64_t bytes = BytesOfRange();
  if (bytes == 0) return false;
  if (bytes < record) {
    return absl::FailedPreconditionError(
        absl::StrCat(file_->path(), ":", buffer_.begin(), ": the last record has ", bytes,
                     " bytes, not ", record, "; see whether --record_bytes is right"));
  }
  buffer_.HandOut(buffer_.begin() + bytes / record * record, chunk);
  return true;
}

absl::StatusOr<bool> RecordReader::WholeFile(InputChunk* chunk) {
  const auto too_long = [this](uint64_t size) {
    return absl::OutOfRangeError(absl::StrCat(file_->path(),
                                              ":0: the whole file is one record, and has ", size,
                                              " bytes, more than ", options_.max_record_bytes));
  };
  if (file_->range().file.compression == Compression::kNone) {
    if (file_->size() > options_.max_record_bytes) return too_long(file_->size());
    buffer_.Reserve(file_->size());  // at once instead of by doubling
  }
  while (!ended_) {
    if (buffer_.size() > options_.max_record_bytes) return too_long(buffer_.size());
    MILLRACE_RETURN_IF_ERROR(Fill());
  }
  done_ = true;
  if (buffer_.size() == 0) return false;
  buffer_.HandOut(buffer_.end(), chunk);
  return true;
}

// Whether the buffer reaches into the range's last record.
bool RecordReader::HasLast() const {
  const std::optional<uint64_t> last = source_->last();
  return last.has_value() && *last < buffer_.end();
}

// How much of what is left lies in the range.
uint64_t RecordReader::BytesOfRange() const {
  const std::optional<uint64_t> last = source_->last();
  const uint64_t end = last.has_value() ? std::min(buffer_.end(), *last + 1) : buffer_.end();
  return end - buffer_.begin();
}

// Finds the first record that begins in the range. What is skipped may be longer than the buffer.
absl::Status RecordReader::SkipPartialRecord() {
  while (true) {
    const std::optional<uint64_t> end =
        buffer_.Find(options_.shape.terminator(), buffer_.begin(), buffer_.end());
    if (!end.has_value()) {
      done_ = ended_ || HasLast();  // one record covers the range, and began before it
      if (done_) return absl::OkStatus();
      buffer_.Skip(buffer_.end());
      MILLRACE_RETURN_IF_ERROR(Fill());
      continue;
    }
    buffer_.Skip(*end + 1);
    scanned_ = *end + 1;
    done_ = HasLast() && *end >= *source_->last();
    skipping_ = false;
    return absl::OkStatus();
  }
}

// Returns where the complete records in the buffer end, or its begin when there is none; sets done_
// when they include the last of the range.
uint64_t RecordReader::FindCut() {
  const char terminator = options_.shape.terminator();
  uint64_t search_end = buffer_.end();  // up to here an end is followed by a record of this range
  if (HasLast()) {
    const uint64_t last = std::max(scanned_, *source_->last());
    const std::optional<uint64_t> end = buffer_.Find(terminator, last, buffer_.end());
    if (end.has_value()) {
      done_ = true;
      return *end + 1;
    }
    search_end = last;
  }
  if (ended_) {
    done_ = true;
    return buffer_.end();
  }
  const std::optional<uint64_t> end = buffer_.FindLast(terminator, scanned_, search_end);
  scanned_ = buffer_.end();
  return end.has_value() ? *end + 1 : buffer_.begin();
}

// Reads on. At the end of the file the buffer stays as it is, and ended_ is set.
absl::Status RecordReader::Fill() {
  char* const room = buffer_.Reserve(source_->NextReadBytes());
  MILLRACE_ASSIGN_OR_RETURN(const size_t read, source_->Read(room));
  buffer_.Grow(read);
  ended_ = read == 0;
  if (source_->gap()) {  // the record before it is not whole, nor is that behind it
    buffer_.Skip(buffer_.end() - read);
    skipping_ = true;
  }
  return absl::OkStatus();
}

absl::Status RecordReader::TooLong(uint64_t position) const {
  return absl::OutOfRangeError(absl::StrCat(file_->path(), ":", position, ": the ",
                                            NameOf(options_.shape),
                                            " that begins here has more "
                                            "than ",
                                            options_.max_record_bytes, " bytes"));
}

}  // namespace millrace
