#include "storage/line_reader.h"

#include <glog/logging.h>
#include <string.h>

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"

namespace millrace {
namespace {

// The last line of a range ends past it. Most lines are shorter than this, so the read that reaches
// the end of the range usually finishes its last line as well.
constexpr uint64_t kPastEndBytes = 4096;

// Room for an incomplete line in front of a full read, before the buffer has to grow.
constexpr size_t kTailRoom = 64 << 10;

absl::Status InputChanged(const InputFile& file, const std::string& how) {
  return absl::FailedPreconditionError(
      absl::StrCat("input changed since the job was submitted: ", file.path, " (", how,
                   "); submit the job again when nobody writes to its input"));
}

absl::Status SizeChanged(const InputFile& file, uint64_t size_now) {
  return InputChanged(file, absl::StrCat("size was ", file.size, ", is ", size_now));
}

}  // namespace

LineReader::LineReader(FileSystem* fs, const Options& options) : fs_(fs), options_(options) {
  CHECK_GT(options_.read_bytes, 0u);
}

absl::Status LineReader::Open(const FileRange& range) {
  done_ = true;
  slack_is_saved_ = false;
  range_ = range;
  range_end_ = range.offset + range.length;
  if (range_end_ < range.offset || range_end_ > range.file.size) {
    return absl::InvalidArgumentError(absl::StrCat(range.file.path, ": has no bytes ", range.offset,
                                                   " to ", range_end_, ", only ", range.file.size));
  }
  MILLRACE_ASSIGN_OR_RETURN(file_, fs_->OpenForReading(range.file.path));
  if (file_->size() != range.file.size) return SizeChanged(range.file, file_->size());
  MILLRACE_RETURN_IF_ERROR(CheckUnchanged());

  // A line begins at the start of the range if the byte before is a line end: look at that first.
  skipping_ = options_.format == InputFormat::kLines && range.offset > 0;
  buffer_offset_ = range.offset - (skipping_ ? 1 : 0);
  begin_ = scanned_ = end_ = 0;
  past_end_bytes_ = std::min(kPastEndBytes, options_.read_bytes);
  done_ = range.length == 0;
  return absl::OkStatus();
}

absl::StatusOr<bool> LineReader::Next(InputChunk* chunk) {
  RestoreSlack();
  if (!done_) {
    MILLRACE_ASSIGN_OR_RETURN(
        bool more, options_.format == InputFormat::kLines ? NextLines(chunk) : WholeFile(chunk));
    if (more) return true;
  }
  if (file_ != nullptr) {
    MILLRACE_RETURN_IF_ERROR(CheckUnchanged());
    file_.reset();
  }
  return false;
}

absl::StatusOr<bool> LineReader::NextLines(InputChunk* chunk) {
  if (skipping_) MILLRACE_RETURN_IF_ERROR(SkipPartialLine());
  while (!done_) {
    const size_t cut = FindCut();
    if (cut > begin_) {
      HandOut(cut, chunk);
      return true;
    }
    if (end_ - begin_ > options_.max_record_bytes) {
      return absl::OutOfRangeError(absl::StrCat(range_.file.path, ":", buffer_offset_ + begin_,
                                                ": the line that begins "
                                                "here has more than ",
                                                options_.max_record_bytes, " bytes"));
    }
    MILLRACE_RETURN_IF_ERROR(Fill());
  }
  return false;
}

absl::StatusOr<bool> LineReader::WholeFile(InputChunk* chunk) {
  const uint64_t size = range_.file.size;
  if (range_.length != size) {
    return absl::InvalidArgumentError(
        absl::StrCat(range_.file.path, ": a file that is one record cannot be cut"));
  }
  if (size > options_.max_record_bytes) {
    return absl::OutOfRangeError(absl::StrCat(range_.file.path,
                                              ":0: the whole file is one record, and has ", size,
                                              " bytes, more than ", options_.max_record_bytes));
  }
  Reserve(size);
  MILLRACE_RETURN_IF_ERROR(ReadExactly(0, size));
  done_ = true;
  HandOut(end_, chunk);
  return true;
}

// Finds the first line that begins in the range. What is skipped may be longer than the buffer.
absl::Status LineReader::SkipPartialLine() {
  while (true) {
    buffer_offset_ += end_;
    end_ = 0;
    MILLRACE_RETURN_IF_ERROR(Fill());
    const void* line_end = memchr(buffer_.get(), '\n', end_);
    if (line_end == nullptr) {
      if (buffer_offset_ + end_ < range_end_) continue;
      done_ = true;  // one line covers the range, and began before it
      return absl::OkStatus();
    }
    begin_ = scanned_ = static_cast<const char*>(line_end) - buffer_.get() + 1;
    done_ = buffer_offset_ + begin_ >= range_end_;
    skipping_ = false;
    return absl::OkStatus();
  }
}

// Returns where the complete lines in the buffer end, or begin_ when there is none; sets done_ when
// they include the last of the range.
size_t LineReader::FindCut() {
  const char* const data = buffer_.get();
  size_t search_end = end_;  // up to here a line end is followed by a line of this range
  if (buffer_offset_ + end_ >= range_end_) {
    // The last byte of the range is here. Its line is the last.
    const size_t last = std::max<size_t>(scanned_, range_end_ - 1 - buffer_offset_);
    const void* line_end = last < end_ ? memchr(data + last, '\n', end_ - last) : nullptr;
    if (line_end != nullptr || buffer_offset_ + end_ == range_.file.size) {
      done_ = true;
      return line_end == nullptr ? end_ : static_cast<const char*>(line_end) - data + 1;
    }
    search_end = last;
  }
  const void* line_end =
      scanned_ < search_end ? memrchr(data + scanned_, '\n', search_end - scanned_) : nullptr;
  scanned_ = end_;
  return line_end == nullptr ? begin_ : static_cast<const char*>(line_end) - data + 1;
}

// Reads on behind end_.
absl::Status LineReader::Fill() {
  Compact();
  const uint64_t position = buffer_offset_ + end_;
  const uint64_t length = BytesToRead(position);
  Reserve(end_ + length);
  return ReadExactly(position, length);
}

// Never zero where Fill is called: there is something left to find, so the file goes on.
uint64_t LineReader::BytesToRead(uint64_t position) {
  const uint64_t left = range_.file.size - position;
  if (position >= range_end_) {
    const uint64_t length = std::min(past_end_bytes_, left);
    past_end_bytes_ = std::min(2 * past_end_bytes_, options_.read_bytes);
    return length;
  }
  // Up to the next multiple of read_bytes, so that reads lie on pages.
  const uint64_t aligned = options_.read_bytes - position % options_.read_bytes;
  return std::min({aligned, left, range_end_ - position + past_end_bytes_});
}

absl::Status LineReader::ReadExactly(uint64_t position, size_t length) {
  MILLRACE_ASSIGN_OR_RETURN(size_t read, file_->Read(position, length, buffer_.get() + end_));
  if (read < length) return SizeChanged(range_.file, position + read);
  end_ += length;
  return absl::OkStatus();
}

// Moves what is left to the front of the buffer.
void LineReader::Compact() {
  if (begin_ == 0) return;
  memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  buffer_offset_ += begin_;
  scanned_ -= begin_;
  end_ -= begin_;
  begin_ = 0;
}

// Makes room for `length` bytes and the slack.
void LineReader::Reserve(size_t length) {
  if (length <= capacity_) return;
  const size_t first = std::min<uint64_t>(options_.read_bytes, range_.file.size) + kTailRoom;
  const size_t largest = options_.max_record_bytes + options_.read_bytes;
  const size_t capacity = std::max({length, first, std::min(2 * capacity_, largest)});
  // malloc instead of a vector: the bytes are about to be overwritten.
  std::unique_ptr<char, Free> larger(static_cast<char*>(std::malloc(capacity + kSlackBytes)));
  if (larger == nullptr) throw std::bad_alloc();
  if (end_ > 0) memcpy(larger.get(), buffer_.get(), end_);
  buffer_ = std::move(larger);
  capacity_ = capacity;
}

void LineReader::HandOut(size_t cut, InputChunk* chunk) {
  chunk->data = std::string_view(buffer_.get() + begin_, cut - begin_);
  chunk->offset = buffer_offset_ + begin_;
  begin_ = cut;
  saved_at_ = cut;
  memcpy(saved_, buffer_.get() + cut, kSlackBytes);
  memset(buffer_.get() + cut, 0, kSlackBytes);
  slack_is_saved_ = true;
}

void LineReader::RestoreSlack() {
  if (!slack_is_saved_) return;
  memcpy(buffer_.get() + saved_at_, saved_, kSlackBytes);
  slack_is_saved_ = false;
}

absl::Status LineReader::CheckUnchanged() const {
  MILLRACE_ASSIGN_OR_RETURN(FileInfo info, fs_->Stat(range_.file.path));
  if (info.size != range_.file.size) return SizeChanged(range_.file, info.size);
  if (info.mtime_ns != range_.file.mtime_ns) {
    return InputChanged(range_.file, "same size, but written to since");
  }
  return absl::OkStatus();
}

}  // namespace millrace
