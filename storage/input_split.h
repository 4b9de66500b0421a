// Which bytes of the input each map task reads: a pure function of the file list and the split
// size, so client, master and a later run agree on it without talking.
#ifndef MILLRACE_STORAGE_INPUT_SPLIT_H_
#define MILLRACE_STORAGE_INPUT_SPLIT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mapreduce/record_shape.h"

namespace millrace {

// How the bytes of a file are packed.
enum class Compression : uint8_t { kNone = 0, kGzip = 1, kZstd = 2 };
constexpr int kCompressionCount = 3;

// One input file as it was when the job was submitted.
struct InputFile {
  std::string path;  // absolute
  uint64_t size = 0;
  int64_t mtime_ns = 0;  // 0: not known, any will do
  Compression compression = Compression::kNone;
  // Where a compressed file may be cut: offsets at which a frame begins, ascending, none of them 0.
  std::vector<uint64_t> cuts;
  uint32_t input = 0;  // to which of the job's inputs it belongs

  friend bool operator==(const InputFile& a, const InputFile& b) {
    return a.path == b.path && a.size == b.size && a.mtime_ns == b.mtime_ns &&
           a.compression == b.compression && a.cuts == b.cuts && a.input == b.input;
  }
};

// `length` bytes of one file from `offset`. The records that *begin* in the range belong to it: a
// reader skips the rest of a record that began before, and reads past the end to finish its last.
struct FileRange {
  InputFile file;
  uint64_t offset = 0;
  uint64_t length = 0;

  friend bool operator==(const FileRange& a, const FileRange& b) {
    return a.file == b.file && a.offset == b.offset && a.length == b.length;
  }
};

// One record of an input file: `file[offset, offset + bytes)`, with its line end if it has one.
struct InputRecord {
  std::string file;  // absolute
  uint64_t offset = 0;
  uint64_t bytes = 0;

  friend bool operator==(const InputRecord& a, const InputRecord& b) {
    return a.file == b.file && a.offset == b.offset && a.bytes == b.bytes;
  }
  friend bool operator<(const InputRecord& a, const InputRecord& b) {
    return a.file != b.file ? a.file < b.file : a.offset < b.offset;
  }
};

// The ranges of one map task, in input order.
using InputSplit = std::vector<FileRange>;

// Opening a file costs about as much as reading 64 KiB of it, and a split travels in one message:
// so a split has at most this many ranges, however small they are.
constexpr size_t kMaxRangesPerSplit = 1024;

// Whether `file` may be cut anywhere (a compressed one may not, but has its `cuts`).
bool IsCuttable(const InputFile& file, InputFormat format);

// Cuts `files` (in the order given) into splits of at most `split_bytes` each. Small files are
// packed together, up to kMaxRangesPerSplit; empty ones are left out; a file longer than
// `split_bytes` is cut into equal pieces, or at its `cuts`, each piece a split of its own. What
// cannot be cut makes one long split. Ranges carry no `cuts`. Returns no split when there are no
// bytes. Needs `split_bytes` > 0.
std::vector<InputSplit> MakeSplits(const std::vector<InputFile>& files, uint64_t split_bytes,
                                   InputFormat format);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_INPUT_SPLIT_H_
