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

using Clock = std::chrono::steady_clock;

constexpr uint64_t kPlaces = 128;
constexpr uint64_t kPlaceBytes = 64 << 10;
constexpr size_t kKeysMax = 10'000;
constexpr size_t kSplitKeyBytesMax = 256;
constexpr int64_t kPatienceUs = 1'000'000;

// Keeps some of the keys of one place, spread evenly over them.
class KeySink : public EmitSink {
 public:
  explicit KeySink(size_t keys_wanted) : keys_wanted_(keys_wanted) {}

  void DrainShort(const ShortPair* pairs, int count) override {
    for (int i = 0; i < count; ++i) Keep(pairs[i].key.view());
  }
  void DrainLong(const LongPair* pairs, int count) override {
    for (int i = 0; i < count; ++i) Keep(pairs[i].key());
  }
  void EmitPair(std::string_view key, std::string_view) override { Keep(key); }

  // At most as many as are wanted.
  void MoveTo(std::vector<std::string>* sample) {
    const size_t step = std::max<size_t>(1, (keys_.size() + keys_wanted_ - 1) / keys_wanted_);
    for (size_t i = 0; i < keys_.size(); i += step) sample->push_back(std::move(keys_[i]));
  }

 private:
  void Keep(std::string_view key) {
    if (seen_++ % stride_ != 0) return;
    keys_.emplace_back(key.substr(0, kSplitKeyBytesMax));
    if (keys_.size() >= 4 * keys_wanted_) DropEveryOther();
  }

  // How many keys will come is not known, so all are kept at first and fewer and fewer later.
  void DropEveryOther() {
    size_t kept = 0;
    for (size_t i = 0; i < keys_.size(); i += 2) keys_[kept++].swap(keys_[i]);
    keys_.resize(kept);
    stride_ *= 2;
  }

  const size_t keys_wanted_;
  std::vector<std::string> keys_;
  uint64_t seen_ = 0;
  uint64_t stride_ = 1;  // of the keys seen so far one in so many was kept
};

// A piece of the input, and the share of the input that it stands for.
struct Place {
  FileRange range;
  uint64_t weight = 0;
};

// The piece of the input at `position`, counted over all files: of a compressed file what lies
// between two of its cuts, of a small file everything.
FileRange RangeAt(uint64_t position, const std::vector<InputFile>& files,
                  const RecordShape& shape) {
  auto file = files.begin();
  for (; position >= file->size; ++file) position -= file->size;
  FileRange range{*file, 0, file->size};
  range.file.cuts.clear();
  if (file->size <= kPlaceBytes) return range;
  if (IsCuttable(*file, shape.format)) {
    range.offset = position;
    range.length = std::min(kPlaceBytes, file->size - position);
    return range;
  }
  const auto next = std::upper_bound(file->cuts.begin(), file->cuts.end(), position);
  if (next != file->cuts.begin()) range.offset = *(next - 1);
  range.length = (next == file->cuts.end() ? file->size : *next) - range.offset;
  return range;
}

// Pieces from all over the input, of which none is looked at twice; of a small one, everything.
std::vector<Place> ChoosePlaces(const std::vector<InputFile>& files, const RecordShape& shape) {
  uint64_t total = 0;
  for (const InputFile& file : files) total += file.size;
  std::vector<Place> places;
  if (total <= kPlaces * kPlaceBytes && files.size() <= kPlaces) {
    for (const InputSplit& split : MakeSplits(files, kPlaceBytes, shape.format)) {
      for (const FileRange& range : split) places.push_back({range, range.length});
    }
    return places;
  }
  for (uint64_t place = 0; place < kPlaces && total > 0; ++place) {
    FileRange range = RangeAt(total / kPlaces * place, files, shape);
    const bool is_new = places.empty() || !(places.back().range == range);
    if (is_new) places.push_back({std::move(range), 0});
    ++places.back().weight;
  }
  return places;
}

// Runs a mapper on one place.
class PlaceSampler {
 public:
  PlaceSampler(const JobDescription& job, RecordReader* reader, EmitSink* sink)
      : job_(job),
        reader_(*reader),
        emitter_(job.aggregate != Aggregate::kNone ? ValueForm::kNumbers : ValueForm::kStrings,
                 sink) {}

  // Maps the first chunk, and as many more as there is time for: what is packed as one piece can
  // only be read from its beginning.
  absl::Status Run(const FileRange& range, Clock::time_point deadline) {
    MILLRACE_RETURN_IF_ERROR(reader_.Open(range));
    mapper_ = job_.mapper();
    mapper_->Attach(&emitter_, &counters_);
    mapper_->Start();
    InputChunk chunk;
    do {
      MILLRACE_ASSIGN_OR_RETURN(const bool more, reader_.Next(&chunk));
      if (!more) break;
      MILLRACE_RETURN_IF_ERROR(MapChunk(range.file, chunk));
      has_chunk_ = true;
    } while (Clock::now() < deadline);
    mapper_->Finish();
    emitter_.Flush();
    return emitter_.status();
  }

  // Whether a chunk went well. What is wrong behind it the job will find itself, if it minds.
  bool has_chunk() const { return has_chunk_; }

 private:
  absl::Status MapChunk(const InputFile& file, const InputChunk& chunk) {
    emitter_.BeginChunk(chunk.data);
    mapper_->Map(MapInput(chunk.data, {file.path, chunk.offset, job_.input, file.input}, &cursor_));
    emitter_.BeginChunk({});
    return emitter_.status();
  }

  const JobDescription& job_;
  RecordReader& reader_;
  Emitter emitter_;
  CounterSet counters_;
  InputCursor cursor_;
  std::unique_ptr<Mapper> mapper_;
  bool has_chunk_ = false;
};

absl::Status RunGuarded(PlaceSampler* sampler, const FileRange& range, Clock::time_point deadline) {
  try {
    return sampler->Run(range, deadline);
  } catch (const std::exception& exception) {
    return absl::AbortedError(absl::StrCat("the mapper threw an exception: ", exception.what()));
  } catch (...) {
    return absl::AbortedError("the mapper threw something that is no std::exception");
  }
}

}  // namespace

absl::StatusOr<std::vector<std::string>> SampleKeys(FileSystem& fs, const JobDescription& job,
                                                    const std::vector<InputFile>& files,
                                                    bool skips_bad_records) {
  std::vector<std::string> sample;
  RecordReader::Options options;
  options.shape = job.input;
  options.read_bytes = kPlaceBytes;
  RecordReader reader(&fs, options);
  const std::vector<Place> places = ChoosePlaces(files, job.input);
  uint64_t total = 0;
  for (const Place& place : places) total += place.weight;
  const Clock::time_point began = Clock::now();
  uint64_t begun = 0;  // the weight of the places so far
  for (const auto& [range, weight] : places) {
    if (Clock::now() > began + std::chrono::microseconds(kPatienceUs)) break;
    begun += weight;
    // Time that a place does not need is for those behind it.
    const auto share = std::chrono::microseconds(kPatienceUs * begun / total);
    KeySink sink(std::max<size_t>(1, kKeysMax * weight / total));
    PlaceSampler sampler(job, &reader, &sink);
    const absl::Status sampled = RunGuarded(&sampler, range, began + share);
    if (!sampled.ok() && !sampler.has_chunk() && !skips_bad_records) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot take a sample of the keys: ", range.file.path, ":", range.offset,
                       ": ", sampled.message()));
    }
    sink.MoveTo(&sample);
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
