#include "client/key_sample.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/record_reader.h"

namespace millrace {
namespace {

constexpr uint64_t kPlaces = 128;
constexpr uint64_t kPlaceBytes = 64 << 10;
constexpr size_t kKeysMax = 10'000;
constexpr size_t kSplitKeyBytesMax = 256;
constexpr auto kPatience = std::chrono::seconds(1);

// Keeps the keys of one place.
class KeySink : public EmitSink {
 public:
  void DrainShort(const ShortPair* pairs, int count) override {
    for (int i = 0; i < count; ++i) Keep(pairs[i].key.view());
  }
  void DrainLong(const LongPair* pairs, int count) override {
    for (int i = 0; i < count; ++i) Keep(pairs[i].key());
  }
  void EmitPair(std::string_view key, std::string_view) override { Keep(key); }

  // At most `count` of the keys, spread evenly over them.
  void MoveSomeTo(size_t count, std::vector<std::string>* sample) {
    const size_t step = std::max<size_t>(1, (keys_.size() + count - 1) / count);
    for (size_t i = 0; i < keys_.size(); i += step) sample->push_back(std::move(keys_[i]));
  }

 private:
  void Keep(std::string_view key) { keys_.emplace_back(key.substr(0, kSplitKeyBytesMax)); }

  std::vector<std::string> keys_;
};

// The piece of the input at `position`, counted over all files; a small file as a whole.
FileRange RangeAt(uint64_t position, const std::vector<InputFile>& files,
                  const RecordShape& shape) {
  auto file = files.begin();
  for (; position >= file->size; ++file) position -= file->size;
  FileRange range{*file, 0, file->size};
  range.file.cuts.clear();
  const bool is_small = file->size <= kPlaceBytes;
  if (is_small || !IsCuttable(*file, shape.format)) return range;  // its first chunk will do
  range.offset = position;
  range.length = std::min(kPlaceBytes, file->size - position);
  return range;
}

// Pieces from all over the input, of which none is looked at twice; of a small one, everything.
std::vector<FileRange> ChoosePlaces(const std::vector<InputFile>& files, const RecordShape& shape) {
  uint64_t total = 0;
  for (const InputFile& file : files) total += file.size;
  std::vector<FileRange> places;
  if (total <= kPlaces * kPlaceBytes && files.size() <= kPlaces) {
    for (const InputSplit& split : MakeSplits(files, kPlaceBytes, shape.format)) {
      places.insert(places.end(), split.begin(), split.end());
    }
    return places;
  }
  for (uint64_t place = 0; place < kPlaces && total > 0; ++place) {
    FileRange range = RangeAt(total / kPlaces * place, files, shape);
    if (places.empty() || !(places.back() == range)) places.push_back(std::move(range));
  }
  return places;
}

absl::Status SamplePlace(const JobDescription& job, RecordReader* reader, const FileRange& range,
                         KeySink* sink) {
  MILLRACE_RETURN_IF_ERROR(reader->Open(range));
  InputChunk chunk;
  MILLRACE_ASSIGN_OR_RETURN(const bool more, reader->Next(&chunk));
  if (!more) return absl::OkStatus();
  const bool aggregated = job.aggregate != Aggregate::kNone;
  Emitter emitter(aggregated ? ValueForm::kNumbers : ValueForm::kStrings, sink);
  CounterSet counters;
  InputCursor cursor;
  const std::unique_ptr<Mapper> mapper = job.mapper();
  mapper->Attach(&emitter, &counters);
  mapper->Start();
  emitter.BeginChunk(chunk.data);
  mapper->Map(
      MapInput(chunk.data, {range.file.path, chunk.offset, job.input, range.file.input}, &cursor));
  emitter.BeginChunk({});
  mapper->Finish();
  emitter.Flush();
  return emitter.status();
}

absl::Status SampleGuarded(const JobDescription& job, RecordReader* reader, const FileRange& range,
                           KeySink* sink) {
  try {
    return SamplePlace(job, reader, range, sink);
  } catch (const std::exception& exception) {
    return absl::AbortedError(absl::StrCat("the mapper threw an exception: ", exception.what()));
  } catch (...) {
    return absl::AbortedError("the mapper threw something that is no std::exception");
  }
}

}  // namespace

absl::StatusOr<std::vector<std::string>> SampleKeys(FileSystem& fs, const JobDescription& job,
                                                    const std::vector<InputFile>& files) {
  std::vector<std::string> sample;
  RecordReader::Options options;
  options.shape = job.input;
  options.read_bytes = kPlaceBytes;
  RecordReader reader(&fs, options);
  const std::vector<FileRange> places = ChoosePlaces(files, job.input);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (const FileRange& range : places) {
    if (std::chrono::steady_clock::now() > deadline) break;
    KeySink sink;
    absl::Status sampled = SampleGuarded(job, &reader, range, &sink);
    if (!sampled.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot take a sample of the keys: ", range.file.path, ":", range.offset,
                       ": ", sampled.message()));
    }
    sink.MoveSomeTo(std::max<size_t>(1, kKeysMax / places.size()), &sample);
  }
  std::sort(sample.begin(), sample.end());
  return sample;
}

std::vector<std::string> SplitKeysFor(uint32_t parts, const std::vector<std::string>& sample) {
  std::vector<std::string> keys;
  for (uint64_t part = 1; part < parts; ++part) {
    keys.push_back(sample.empty() ? "" : sample[part * sample.size() / parts]);
  }
  return keys;
}

}  // namespace millrace
