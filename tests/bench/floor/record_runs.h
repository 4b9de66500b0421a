// The records of one partition that one process has found, in the order in which it found them.
//
// A file of blocks: XXH3 of the records (8 bytes), their length (8 bytes), the number of the split
// that they are from (8 bytes), up to 2,600 records. Splits are read by one process each, so that
// blocks sorted by split have all records of the partition in the order of the input.
#ifndef MILLRACE_TESTS_BENCH_FLOOR_RECORD_RUNS_H_
#define MILLRACE_TESTS_BENCH_FLOOR_RECORD_RUNS_H_

#include <algorithm>
#include <string>
#include <vector>

#include "storage/xxh3.h"
#include "tests/bench/floor/files.h"
#include "tests/bench/floor/record_sort.h"

namespace floor_bench {

struct RecordBlockHeader {
  uint64_t digest;
  uint64_t bytes;
  uint64_t split;
};

class RecordRunWriter {
 public:
  explicit RecordRunWriter(const std::string& path) : file_(File::ForWriting(path)) {
    block_.resize(sizeof(RecordBlockHeader) + kRecordsOfBlock * kRecordBytes);
  }

  void Append(const char* record, int split) {
    std::memcpy(block_.data() + end_, record, kRecordBytes);
    end_ += kRecordBytes;
    if (end_ == block_.size()) FinishBlock(split);
  }

  // To be called after the last record of each split.
  void FinishBlock(int split) {
    if (end_ == sizeof(RecordBlockHeader)) return;
    const char* records = block_.data() + sizeof(RecordBlockHeader);
    const size_t bytes = end_ - sizeof(RecordBlockHeader);
    const RecordBlockHeader header{millrace::Xxh3().hash64(records, bytes), bytes,
                                   static_cast<uint64_t>(split)};
    std::memcpy(block_.data(), &header, sizeof(header));
    file_.Append(block_.data(), end_);
    end_ = sizeof(RecordBlockHeader);
  }

 private:
  static constexpr size_t kRecordsOfBlock = 2600;  // about 256 KiB

  File file_;
  std::string block_;
  size_t end_ = sizeof(RecordBlockHeader);
};

// Reads the blocks of one partition from the files of all processes, in the order of the input.
class RecordRunReader {
 public:
  explicit RecordRunReader(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      files_.push_back(File::ForReading(path));
      FindBlocks(files_.size() - 1);
    }
    std::stable_sort(blocks_.begin(), blocks_.end(), [](const Block& a, const Block& b) {
      return a.header.split < b.header.split;
    });
  }

  size_t bytes() const { return bytes_; }

  // Calls visit(records, bytes) for each block, after it was put behind the one before, from `to`
  // on, and verified.
  template <typename Visit>
  void ReadTo(char* to, Visit visit) const {
    for (const Block& block : blocks_) {
      const size_t bytes = block.header.bytes;
      if (files_[block.file].ReadAt(block.offset, to, bytes) != bytes ||
          millrace::Xxh3().hash64(to, bytes) != block.header.digest) {
        Damaged(block.file);
      }
      visit(to, bytes);
      to += bytes;
    }
  }

 private:
  struct Block {
    RecordBlockHeader header;
    size_t file;
    uint64_t offset;  // of the records
  };

  void FindBlocks(size_t file) {
    const uint64_t size = files_[file].Size();
    for (uint64_t offset = 0; offset < size;) {
      Block block;
      block.file = file;
      if (files_[file].ReadAt(offset, &block.header, sizeof(block.header)) !=
          sizeof(block.header)) {
        Damaged(file);
      }
      block.offset = offset + sizeof(block.header);
      offset = block.offset + block.header.bytes;
      bytes_ += block.header.bytes;
      blocks_.push_back(block);
    }
  }

  [[noreturn]] void Damaged(size_t file) const {
    errno = EILSEQ;
    Die("believe what is in " + files_[file].path());
  }

  std::vector<File> files_;
  std::vector<Block> blocks_;
  size_t bytes_ = 0;
};

}  // namespace floor_bench

#endif  // MILLRACE_TESTS_BENCH_FLOOR_RECORD_RUNS_H_
