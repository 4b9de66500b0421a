#include "worker/engine/line_numbers.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "mapreduce/byte_masks.h"
#include "mapreduce/status_macros.h"

namespace millrace {

void LineNumbers::BeginAttempt(TaskHooks* hooks) {
  hooks_ = hooks;
  status_ = absl::OkStatus();
}

void LineNumbers::Open(const FileRange& range) {
  const InputFile& file = range.file;
  reader_ = nullptr;
  place_ = {};
  offset_ = 0;
  begins_file_ = range.offset == 0;
  const auto known = std::find_if(files_.begin(), files_.end(),
                                  [&file](const KnownFile& other) { return other.file == file; });
  if (known != files_.end()) return files_.splice(files_.begin(), files_, known);
  files_.push_front({file, {}});
  if (files_.size() > kMaxFiles) files_.pop_back();
}

void LineNumbers::Passed(const InputChunk& chunk, uint64_t line_ends) {
  const uint64_t end = chunk.offset + chunk.data.size();
  if (place_.offset == chunk.offset) place_ = {end, place_.line_ends + line_ends};
  Add(chunk.offset, {end, line_ends});
}

// Does nothing when a part of it is known already: of another attempt, say.
void LineNumbers::Add(uint64_t begin, const Stretch& stretch) {
  auto& stretches = files_.front().stretches;
  const auto next = stretches.lower_bound(begin);
  if (next != stretches.end() && next->first < stretch.end) return;
  if (next != stretches.begin()) {
    auto& [last_begin, last] = *std::prev(next);
    if (last.end > begin) return;
    if (last.end == begin && stretch.end - last_begin <= files_.front().grain) {
      last.end = stretch.end;
      last.line_ends += stretch.line_ends;
      return;
    }
  }
  stretches.emplace_hint(next, begin, stretch);
  if (stretches.size() > kMaxStretches) Coarsen();
}

// Joins neighbours; forgets everything where that does not help, because of too many gaps.
void LineNumbers::Coarsen() {
  KnownFile& known = files_.front();
  known.grain *= 2;
  for (auto at = known.stretches.begin(); at != known.stretches.end();) {
    const auto next = std::next(at);
    const bool joins = next != known.stretches.end() && at->second.end == next->first &&
                       next->second.end - at->first <= known.grain;
    if (!joins) {
      at = next;
      continue;
    }
    at->second.end = next->second.end;
    at->second.line_ends += next->second.line_ends;
    known.stretches.erase(next);
  }
  if (known.stretches.size() > kMaxStretches) known.stretches.clear();
}

bool LineNumbers::CanCountByReading() const {
  return files_.front().file.compression == Compression::kNone;
}

absl::Status LineNumbers::CheckKnowable() const {
  if (CanCountByReading()) return absl::OkStatus();
  const std::string& path = files_.front().file.path;
  if (!begins_file_) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": the mapper asks for line numbers in a piece of a compressed file; set ",
        "JobDescription::counts_lines, so that it is read as a whole"));
  }
  if (place_.offset == offset_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": the mapper asks for line numbers behind a damaged frame that was left ",
                   "out; take a good copy of the file, or leave it out of --input"));
}

uint64_t LineNumbers::FirstLine() {
  if (status_.ok()) status_ = CheckKnowable();
  if (place_.offset != offset_ && status_.ok()) {
    const absl::StatusOr<uint64_t> line_ends = LineEndsBefore(offset_);
    if (line_ends.ok()) place_ = {offset_, *line_ends};
    status_ = line_ends.status();
  }
  return place_.line_ends + 1;
}

absl::StatusOr<uint64_t> LineNumbers::LineEndsBefore(uint64_t offset) {
  const auto& stretches = files_.front().stretches;
  uint64_t total = 0;
  for (uint64_t at = 0; at < offset;) {
    const auto known = stretches.lower_bound(at);
    if (known != stretches.end() && known->first == at && known->second.end <= offset) {
      total += known->second.line_ends;
      at = known->second.end;
      continue;
    }
    uint64_t end = std::min(offset, at + kReadBytes);
    if (known != stretches.end() && known->first > at) end = std::min(end, known->first);
    MILLRACE_ASSIGN_OR_RETURN(const uint64_t line_ends, CountByReading(at, end));
    Add(at, {end, line_ends});
    total += line_ends;
    at = end;
  }
  return total;
}

// At most kReadBytes.
absl::StatusOr<uint64_t> LineNumbers::CountByReading(uint64_t begin, uint64_t end) {
  MILLRACE_RETURN_IF_ERROR(CheckCancelled(*hooks_));
  hooks_->CountMoved(1);
  const InputFile& file = files_.front().file;
  if (buffer_ == nullptr) buffer_.reset(new char[kReadBytes]);
  if (reader_ == nullptr) {
    MILLRACE_ASSIGN_OR_RETURN(reader_, fs_->OpenForReading(file.path));
  }
  MILLRACE_ASSIGN_OR_RETURN(const size_t got, reader_->Read(begin, end - begin, buffer_.get()));
  if (got != end - begin || reader_->size() != file.size) {
    return absl::FailedPreconditionError(
        absl::StrCat("input changed since the job was submitted: ", file.path, " (size was ",
                     file.size, ", is ", reader_->size(), ")"));
  }
  return CountByte({buffer_.get(), got}, '\n');
}

}  // namespace millrace
