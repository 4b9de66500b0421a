// The layout of a run file; docs/formats.md describes the same byte by byte, with an example.
//
//   run       := magic partition* entry* footer
//   partition := block*                      (empty partitions have no block)
//   block     := checksum:8 size:4 records:4 payload        (checksum of all that follows it)
//   payload   := record*                                    (size bytes)
//   record    := varint(key size) [varint(group size)] key (varint(value size) value | zigzag
//   value) entry     := offset:8 length:8 records:8 longest block:8 digest:16 checksum:8 footer :=
//   version:4 flags:4 maker:32 digest:16 count:8 target:8 checksum:8 magic
//
// Fixed-width numbers are little-endian. A partition is one contiguous byte range, so it can be
// sent as it lies; its records are in key order, those of one key in their own order. Entries and
// footer have fixed sizes and checksums of their own, so whoever wants one partition reads only its
// entry, however many there are.
#ifndef MILLRACE_STORAGE_RUN_FORMAT_H_
#define MILLRACE_STORAGE_RUN_FORMAT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/digest.h"
#include "storage/file_system.h"

namespace millrace {

// First and last bytes of the file; the digit is the format's version.
inline constexpr std::string_view kRunMagic = "MLRRUN3\n";

// Footers and blocks written by this version; a reader refuses others.
constexpr uint32_t kRunFormatVersion = 3;

constexpr size_t kBlockHeaderBytes = 16;
constexpr size_t kBlockChecksumBytes = 8;
constexpr size_t kRunEntryBytes = 56;
constexpr size_t kRunFooterBytes = 88;

// A block is closed when its payload has at least this many bytes.
constexpr size_t kBlockTargetBytes = 256 << 10;
// Key and value of one record together. A payload exceeds the target by at most one record.
constexpr size_t kMaxRecordBytes = 64 << 20;
constexpr size_t kMaxPayloadBytes = kBlockTargetBytes + kMaxRecordBytes + 32;
// As many as a job may have parts.
constexpr uint32_t kMaxRunPartitions = 100000;

// What the values of a run are.
enum class ValueKind : uint8_t { kBytes = 0, kInt64 = 1 };

// How records are written; the same for all records of a run.
struct RecordFormat {
  ValueKind value_kind = ValueKind::kBytes;
  // Records carry the length of a group key: the front of the key by which a reducer groups, while
  // the whole key sorts (secondary sort). Without it, the group key is the whole key.
  bool has_group_length = false;

  friend bool operator==(const RecordFormat& a, const RecordFormat& b) {
    return a.value_kind == b.value_kind && a.has_group_length == b.has_group_length;
  }
};

// What one partition of a run holds.
struct RunPartition {
  uint64_t offset = 0;  // of its first block in the file
  uint64_t length = 0;  // bytes of its blocks, headers included
  uint64_t records = 0;
  // Bytes of its longest block, header included: what reading it needs in memory.
  uint64_t longest_block = 0;
  // Of the checksums of its blocks, one after the other. Blocks are cut by the records alone, so
  // equal records give equal digests; and the bytes are not read a second time for it.
  Digest digest;

  friend bool operator==(const RunPartition& a, const RunPartition& b) {
    return a.offset == b.offset && a.length == b.length && a.records == b.records &&
           a.longest_block == b.longest_block && a.digest == b.digest;
  }
};

// Who made a run, so that a stale or swapped file is recognised. Not part of any digest.
struct RunMaker {
  uint64_t attempt_epoch = 0;
  uint64_t attempt_sequence = 0;
  uint64_t job = 0;
  uint32_t stage = 0;
  uint32_t task = 0;

  friend bool operator==(const RunMaker& a, const RunMaker& b) {
    return a.attempt_epoch == b.attempt_epoch && a.attempt_sequence == b.attempt_sequence &&
           a.job == b.job && a.stage == b.stage && a.task == b.task;
  }
};

struct RunFooter {
  RunMaker maker;
  RecordFormat format;
  std::vector<RunPartition> partitions;
  // Over format and partitions (records and digest of each): the digest of a map task's output.
  Digest digest;
};

// One partition of a run, and what the footer says of the run as a whole.
struct PartitionOfRun {
  RunMaker maker;
  RecordFormat format;
  Digest run_digest;
  RunPartition partition;
};

// The digest that belongs to the rest of `footer`.
Digest DigestOfRun(const RunFooter& footer);

// The end of a file whose blocks end at `offset`: entries and footer.
std::string EncodeRunEnd(const RunFooter& footer, uint64_t offset);

// Whether the numbers of a partition can be true, wherever they come from.
bool IsPossible(const RunPartition& partition);

// Reads and verifies everything but the blocks: magic, footer and all entries. kNotFound when there
// is no file, kDataLoss (with path and offset) when it is not a complete run.
absl::StatusOr<RunFooter> ReadRunFooter(ReadableFile& file, const std::string& path);
absl::StatusOr<RunFooter> ReadRunFooter(FileSystem& fs, const std::string& path);

// Reads and verifies what concerns one partition: magic, footer and its entry. The cost does not
// depend on how many others there are. kDataLoss also when there is no such partition.
absl::StatusOr<PartitionOfRun> ReadRunPartition(ReadableFile& file, const std::string& path,
                                                uint32_t index);

// The first 8 bytes of a block: over everything after them.
uint64_t BlockChecksum(std::string_view block_after_checksum);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_RUN_FORMAT_H_
