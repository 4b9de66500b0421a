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

// Cuts a long file into the fewest pieces that are short enough, equal to within one byte. A piece
// shares its split with nothing: it is at least half a split long.
void CutIntoPieces(const InputFile& file, uint64_t split_bytes, SplitPacker* packer) {
  const uint64_t pieces = (file.size - 1) / split_bytes + 1;
  const uint64_t length = file.size / pieces;
  const uint64_t longer = file.size % pieces;  // this many pieces have one byte more
  uint64_t offset = 0;
  for (uint64_t i = 0; i < pieces; ++i) {
    FileRange range{file, offset, length + (i < longer ? 1 : 0)};
    offset += range.length;
    packer->CloseSplit();
    packer->Pack(std::move(range));
  }
  packer->CloseSplit();
}

}  // namespace

std::vector<InputSplit> MakeSplits(const std::vector<InputFile>& files, uint64_t split_bytes,
                                   InputFormat format) {
  CHECK_GT(split_bytes, 0u);
  SplitPacker packer(split_bytes);
  for (const InputFile& file : files) {
    if (file.size == 0) continue;
    if (format == InputFormat::kLines && file.size > split_bytes) {
      CutIntoPieces(file, split_bytes, &packer);
    } else {
      packer.Pack(FileRange{file, 0, file.size});
    }
  }
  return packer.Finish();
}

}  // namespace millrace
