#include "storage/input_split.h"

#include <glog/logging.h>

#include <utility>

namespace millrace {
namespace {

// Fills one split after another.
class SplitPacker {
 public:
  explicit SplitPacker(uint64_t split_bytes) : split_bytes_(split_bytes) {}

  // Adds a range to the current split, or to a new one if it does not fit.
  void Pack(FileRange range) {
    bool full =
        current_.size() == kMaxRangesPerSplit || current_bytes_ + range.length > split_bytes_;
    if (full) CloseSplit();
    current_bytes_ += range.length;
    current_.push_back(std::move(range));
  }

  void CloseSplit() {
    if (!current_.empty()) splits_.push_back(std::move(current_));
    current_.clear();
    current_bytes_ = 0;
  }

  std::vector<InputSplit> Finish() {
    CloseSplit();
    return std::move(splits_);
  }

 private:
  const uint64_t split_bytes_;
  std::vector<InputSplit> splits_;
  InputSplit current_;
  uint64_t current_bytes_ = 0;
};

InputFile WithoutCuts(const InputFile& file) {
  InputFile bare = file;
  bare.cuts.clear();
  return bare;
}

// Cuts a long file into the fewest pieces that are short enough, equal to within one byte. A piece
// shares its split with nothing: it is at least half a split long.
void CutIntoPieces(const InputFile& file, uint64_t split_bytes, SplitPacker* packer) {
  const InputFile bare = WithoutCuts(file);
  const uint64_t pieces = (file.size - 1) / split_bytes + 1;
  const uint64_t length = file.size / pieces;
  const uint64_t longer = file.size % pieces;  // this many pieces have one byte more
  uint64_t offset = 0;
  for (uint64_t i = 0; i < pieces; ++i) {
    FileRange range{bare, offset, length + (i < longer ? 1 : 0)};
    offset += range.length;
    packer->CloseSplit();
    packer->Pack(std::move(range));
  }
  packer->CloseSplit();
}

// Cuts a compressed file where it can be cut.
void CutAtFrames(const InputFile& file, SplitPacker* packer) {
  const InputFile bare = WithoutCuts(file);
  uint64_t begin = 0;
  const auto cut = [&](uint64_t end) {
    packer->CloseSplit();
    packer->Pack(FileRange{bare, begin, end - begin});
    begin = end;
  };
  for (uint64_t offset : file.cuts) cut(offset);
  cut(file.size);
  packer->CloseSplit();
}

}  // namespace

bool IsCuttable(const InputFile& file, InputFormat format) {
  return file.compression == Compression::kNone && format != InputFormat::kWholeFile;
}

std::vector<InputSplit> MakeSplits(const std::vector<InputFile>& files, uint64_t split_bytes,
                                   InputFormat format) {
  CHECK_GT(split_bytes, 0u);
  SplitPacker packer(split_bytes);
  for (const InputFile& file : files) {
    if (file.size == 0) continue;
    if (file.size > split_bytes && IsCuttable(file, format)) {
      CutIntoPieces(file, split_bytes, &packer);
    } else if (!file.cuts.empty()) {
      CutAtFrames(file, &packer);
    } else {
      packer.Pack(FileRange{WithoutCuts(file), 0, file.size});
    }
  }
  return packer.Finish();
}

}  // namespace millrace
