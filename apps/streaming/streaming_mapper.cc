#include "apps/streaming/streaming_mapper.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "mapreduce/byte_masks.h"
#include "mapreduce/strings.h"

namespace millrace {
namespace {

// So much goes to the program before its place in the input is noted anew.
constexpr size_t kPieceBytes = 256 << 10;

// The first whole lines of `lines`, about kPieceBytes of them.
std::string_view FirstPiece(std::string_view lines) {
  if (lines.size() <= kPieceBytes) return lines;
  const size_t end = lines.find('\n', kPieceBytes);
  return lines.substr(0, end == std::string_view::npos ? lines.size() : end + 1);
}

bool Holds(std::string_view text, char c) {
  return std::memchr(text.data(), c, text.size()) != nullptr;
}

}  // namespace

StreamingMapper::StreamingMapper(const StreamingJob& job)
    : job_(job),
      program_(
          {"mapper", &job.mapper}, job,
          [this](std::string_view group, std::string_view name, int64_t by) {
            Count(group, name, by);
          },
          [this](std::string_view line) { TakeLine(line); }),
      chooser_(
          job,
          [this](std::string_view group, std::string_view name, int64_t by) {
            Count(group, name, by);
          },
          [this](const PlacedPair& pair) { EmitTo(pair.part, pair.key, pair.value); }) {}

void StreamingMapper::Map(const MapInput& input) {
  if (failed_) return;
  // A program reads ahead of what it is at, so nobody knows at which record it fails; not at the
  // one to which we have come.
  input.Mark(nullptr);
  if (program_.running() && input.file() != file_) EndRun();
  if (!chooser_.status().ok()) GiveUp(chooser_.status().message());
  if (failed_) return;
  file_ = input.file();
  if (!program_.running()) BeginRun({input.file(), input.offset()});
  if (failed_) return;
  Feed(input);
  if (input.shape().whole_file()) EndRun();  // this is known: the file is the record
  if (!failed_) input.Mark(nullptr);
}

void StreamingMapper::Finish() {
  if (!has_run_) BeginRun({});  // a map without records runs its program, too
  if (program_.running()) EndRun();
  if (const absl::Status chosen = chooser_.Finish(); !chosen.ok()) GiveUp(chosen.message());
}

void StreamingMapper::BeginRun(const TaskInput& input) {
  has_run_ = true;
  if (const absl::Status started = program_.Start(input); !started.ok()) GiveUp(started.message());
}

void StreamingMapper::EndRun() {
  const absl::Status ended = program_.Finish();
  if (!ended.ok()) GiveUp(absl::StrCat(file_, file_.empty() ? "" : ": ", ended.message()));
}

void StreamingMapper::GiveUp(absl::string_view why) {
  failed_ = true;
  Fail(ToStd(why));
}

void StreamingMapper::Feed(const MapInput& input) {
  if (input.shape().whole_file()) {
    input.Mark(input.data().data());
    return program_.Write(input.data(), /*records=*/1);
  }
  if (input.shape().format != InputFormat::kLines) return FeedAsLines(input);
  for (std::string_view rest = input.data(); !rest.empty();) {
    const std::string_view piece = FirstPiece(rest);
    input.Mark(piece.data());
    rest.remove_prefix(piece.size());
    if (Holds(piece, '\r')) {
      FeedWithoutReturns(input, piece);
      continue;
    }
    const bool is_ended = piece.back() == '\n';
    program_.Write(piece, CountByte(piece, '\n') + (is_ended ? 0 : 1));
    if (!is_ended) program_.Write("\n", /*records=*/0);
  }
}

// Records that are no lines: each becomes one, a pair with a tab between key and value.
void StreamingMapper::FeedAsLines(const MapInput& input) {
  copy_.clear();
  const char* torn = nullptr;  // the first record that the program would take for several
  if (input.shape().format == InputFormat::kKeyValue) {
    input.ForEachPair([&](std::string_view key, std::string_view value) {
      if (torn == nullptr && !AddLine({key, "\t", value})) torn = key.data();
    });
  } else {
    input.ForEachRecord([&](std::string_view record) {
      if (torn == nullptr && !AddLine({record})) torn = record.data();
    });
  }
  WriteLines();
  if (torn == nullptr) return;
  input.Mark(torn);
  GiveUp(
      "a record has a line end in it, and the mapper, which reads lines, would take it for "
      "several (replace line ends in the input, leave such records out with "
      "--skip_bad_records, or write this mapper in C++)");
}

// Adds nothing, and returns false, if that would be more than one line.
bool StreamingMapper::AddLine(std::initializer_list<std::string_view> pieces) {
  constexpr size_t kEnough = 64 << 10;
  for (const std::string_view piece : pieces) {
    if (Holds(piece, '\n')) return false;
  }
  for (const std::string_view piece : pieces) copy_.append(piece);
  copy_ += '\n';
  ++copied_;
  if (copy_.size() >= kEnough) WriteLines();
  return true;
}

void StreamingMapper::WriteLines() {
  program_.Write(copy_, copied_);
  copy_.clear();
  copied_ = 0;
}

// The program gets each line with "\n", whatever its end was.
void StreamingMapper::FeedWithoutReturns(const MapInput& input, std::string_view lines) {
  copy_.clear();
  uint64_t records = 0;
  InputCursor ignored;
  MapInput(lines, {input.file()}, &ignored).ForEachLine([&](std::string_view line) {
    copy_.append(line);
    copy_ += '\n';
    ++records;
  });
  program_.Write(copy_, records);
}

void StreamingMapper::TakeLine(std::string_view line) {
  if (job_.map_only) return Emit({}, line);
  const TextPair pair = SplitAtTab(line);
  if (job_.partitioner.empty()) return Emit(pair.key, pair.value);
  chooser_.Add(pair.key, pair.value);
}

void StreamingMapper::Count(std::string_view group, std::string_view name, int64_t by) {
  GetCounter(group, name)->Increment(by);
}

}  // namespace millrace
