// Run files: what one map task hands to all reduces, one range of bytes for each partition.
//
// A range is a sequence of blocks: XXH3 of the payload (8 bytes), its length (8 bytes), the
// payload. A block has whole records of together up to 256 KiB, or one larger record. The reader
// verifies each block before it shows it. Where the ranges lie is in RunIndex, which all processes
// share.
#ifndef MILLRACE_TESTS_BENCH_FLOOR_RUN_FILE_H_
#define MILLRACE_TESTS_BENCH_FLOOR_RUN_FILE_H_

#include <string>
#include <string_view>
#include <vector>

#include "storage/xxh3.h"
#include "tests/bench/floor/files.h"

namespace floor_bench {

constexpr size_t kBlockBytes = 256 << 10;
constexpr size_t kReadableBytes = 64;  // behind what a reader shows: loads may be wider than data

struct BlockHeader {
  uint64_t digest;
  uint64_t bytes;
};

// Where the partitions of all runs begin and end.
class RunIndex {
 public:
  RunIndex(std::string folder, int runs, int partitions)
      : folder_(std::move(folder)),
        runs_(runs),
        partitions_(partitions),
        begins_(SharedArray<uint64_t>(static_cast<size_t>(runs) * (partitions + 1))) {}

  int runs() const { return runs_; }
  int partitions() const { return partitions_; }
  std::string Path(int run) const { return Numbered(folder_, "run", run); }
  // The end of partition p is where p + 1 begins.
  uint64_t& Begin(int run, int partition) const {
    return begins_[static_cast<size_t>(run) * (partitions_ + 1) + partition];
  }

 private:
  std::string folder_;
  int runs_;
  int partitions_;
  uint64_t* begins_;
};

// Writes the partitions of one run, one after the other.
class RunWriter {
 public:
  RunWriter(const RunIndex& index, int run)
      : index_(index), run_(run), file_(File::ForWriting(index.Path(run))) {
    block_.resize(sizeof(BlockHeader) + kBlockBytes);
  }

  // Makes room for a record of at most `size` bytes, to be written at end() and then Extend()ed.
  void Reserve(size_t size) {
    if (end_ + size <= block_.size()) return;
    WriteBlock();
    if (end_ + size > block_.size()) block_.resize(end_ + size);
  }
  char* end() { return block_.data() + end_; }
  void Extend(size_t size) { end_ += size; }

  // To be called after the records of each partition, of the first one first.
  void FinishPartition(int partition) {
    WriteBlock();
    index_.Begin(run_, partition + 1) = written_;
  }

 private:
  void WriteBlock() {
    if (end_ == sizeof(BlockHeader)) return;
    const char* payload = block_.data() + sizeof(BlockHeader);
    const size_t bytes = end_ - sizeof(BlockHeader);
    const BlockHeader header{millrace::Xxh3().hash64(payload, bytes), bytes};
    std::memcpy(block_.data(), &header, sizeof(header));
    file_.Append(block_.data(), end_);
    written_ += end_;
    end_ = sizeof(BlockHeader);
  }

  const RunIndex& index_;
  int run_;
  File file_;
  std::string block_;
  size_t end_ = sizeof(BlockHeader);
  uint64_t written_ = 0;
};

// Reads one partition of one run, block by block.
class RunReader {
 public:
  RunReader(const RunIndex& index, int run, int partition)
      : file_(File::ForReading(index.Path(run))),
        position_(index.Begin(run, partition)),
        end_(index.Begin(run, partition + 1)) {}

  // Shows the next block until the next call; false at the end.
  bool NextBlock(std::string_view* block) {
    if (position_ == end_) return false;
    BlockHeader header;
    Read(&header, sizeof(header));
    if (header.bytes > end_ - position_) Damaged();
    if (block_.size() < header.bytes + kReadableBytes) block_.resize(header.bytes + kReadableBytes);
    Read(block_.data(), header.bytes);
    if (millrace::Xxh3().hash64(block_.data(), header.bytes) != header.digest) Damaged();
    *block = std::string_view(block_.data(), header.bytes);
    return true;
  }

 private:
  void Read(void* to, size_t size) {
    if (file_.ReadAt(position_, to, size) != size) Damaged();
    position_ += size;
  }
  [[noreturn]] void Damaged() const {
    errno = EILSEQ;
    Die("believe what is in " + file_.path());
  }

  File file_;
  uint64_t position_;
  uint64_t end_;
  std::string block_;
};

inline char* WriteVarint(char* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

inline const char* ReadVarint(const char* from, uint64_t* value) {
  uint64_t byte = static_cast<unsigned char>(*from++);
  *value = byte & 0x7f;
  for (int shift = 7; __builtin_expect(byte >= 0x80, 0); shift += 7) {
    byte = static_cast<unsigned char>(*from++);
    *value |= (byte & 0x7f) << shift;
  }
  return from;
}

}  // namespace floor_bench

#endif  // MILLRACE_TESTS_BENCH_FLOOR_RUN_FILE_H_
