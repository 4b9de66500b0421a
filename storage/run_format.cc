#include "storage/run_format.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/byte_codec.h"
#include "storage/xxh3.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace {
namespace {

constexpr uint32_t kFlagInt64Values = 1;
constexpr uint32_t kFlagGroupLength = 2;
constexpr uint32_t kAllFlags = kFlagInt64Values | kFlagGroupLength;

uint32_t FlagsOf(const RecordFormat& format) {
  return (format.value_kind == ValueKind::kInt64 ? kFlagInt64Values : 0) |
         (format.has_group_length ? kFlagGroupLength : 0);
}

absl::Status Damaged(const std::string& path, uint64_t offset, const char* what) {
  return absl::DataLossError(absl::StrCat(path, ": damaged run at byte ", offset, ": ", what));
}

// Reads exactly `length` bytes.
absl::StatusOr<std::string> ReadAt(ReadableFile& file, const std::string& path, uint64_t offset,
                                   size_t length) {
  std::string bytes(length, '\0');
  MILLRACE_ASSIGN_OR_RETURN(const size_t got, file.Read(offset, length, bytes.data()));
  if (got != length) return Damaged(path, offset + got, "the file ends here");
  return bytes;
}

Digest GetDigest(const char* data) { return {GetFixed64(data), GetFixed64(data + 8)}; }

void PutDigest(std::string* out, const Digest& digest) {
  PutFixed64(out, digest.high);
  PutFixed64(out, digest.low);
}

// The number of the partition is in it: entries are told apart.
uint64_t EntryChecksum(std::string_view entry, uint32_t index) {
  return XXH3_64bits_withSeed(entry.data(), kRunEntryBytes - 8, index);
}

void PutEntry(std::string* out, const RunPartition& partition, uint32_t index) {
  const size_t begin = out->size();
  PutFixed64(out, partition.offset);
  PutFixed64(out, partition.length);
  PutFixed64(out, partition.records);
  PutFixed64(out, partition.longest_block);
  PutDigest(out, partition.digest);
  PutFixed64(out, EntryChecksum(std::string_view(*out).substr(begin), index));
}

// The footer, and where the entries lie.
struct RunEnd {
  RunFooter footer;  // without partitions
  uint32_t count = 0;
  uint64_t entries = 0;  // offset of the first one
};

// Needs `bytes` to have its checksum verified; still trusts nothing in it.
absl::StatusOr<RunEnd> DecodeFooter(std::string_view bytes, const std::string& path,
                                    uint64_t offset) {
  if (GetFixed32(bytes.data()) != kRunFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": run format version ", GetFixed32(bytes.data()), "; this program reads version ",
        kRunFormatVersion, ": use one release on all machines"));
  }
  const uint32_t flags = GetFixed32(bytes.data() + 4);
  if ((flags & ~kAllFlags) != 0) return Damaged(path, offset + 4, "unknown flags");
  RunEnd end;
  end.footer.format.value_kind = (flags & kFlagInt64Values) ? ValueKind::kInt64 : ValueKind::kBytes;
  end.footer.format.has_group_length = (flags & kFlagGroupLength) != 0;
  end.footer.maker.attempt_epoch = GetFixed64(bytes.data() + 8);
  end.footer.maker.attempt_sequence = GetFixed64(bytes.data() + 16);
  end.footer.maker.job = GetFixed64(bytes.data() + 24);
  end.footer.maker.stage = GetFixed32(bytes.data() + 32);
  end.footer.maker.task = GetFixed32(bytes.data() + 36);
  end.footer.digest = GetDigest(bytes.data() + 40);
  const uint64_t count = GetFixed64(bytes.data() + 56);
  if (count > kMaxRunPartitions || count * kRunEntryBytes > offset - kRunMagic.size()) {
    return Damaged(path, offset + 56, "the number of partitions does not fit the file");
  }
  end.count = static_cast<uint32_t>(count);
  end.entries = offset - count * kRunEntryBytes;
  return end;
}

absl::StatusOr<RunEnd> ReadEnd(ReadableFile& file, const std::string& path) {
  const uint64_t size = file.size();
  if (size < kRunMagic.size() + kRunFooterBytes) return Damaged(path, size, "too short for a run");
  MILLRACE_ASSIGN_OR_RETURN(const std::string magic, ReadAt(file, path, 0, kRunMagic.size()));
  const uint64_t offset = size - kRunFooterBytes;
  MILLRACE_ASSIGN_OR_RETURN(const std::string footer, ReadAt(file, path, offset, kRunFooterBytes));
  if (magic != kRunMagic) return Damaged(path, 0, "not a run file of this version");
  constexpr size_t kMagicAt = kRunFooterBytes - kRunMagic.size();
  if (footer.compare(kMagicAt, kRunMagic.size(), kRunMagic.data(), kRunMagic.size()) != 0) {
    return Damaged(path, offset + kMagicAt, "no footer: the file was cut or is no run");
  }
  constexpr size_t kChecksumAt = kMagicAt - 8;
  if (XXH3_64bits(footer.data(), kChecksumAt) != GetFixed64(footer.data() + kChecksumAt)) {
    return Damaged(path, offset, "the footer's checksum does not match");
  }
  return DecodeFooter(footer, path, offset);
}

// `bytes` lie at `offset` in the file.
absl::StatusOr<RunPartition> DecodeEntry(std::string_view bytes, uint32_t index,
                                         const std::string& path, uint64_t offset) {
  const char* const entry = bytes.data();
  if (EntryChecksum(bytes, index) != GetFixed64(entry + kRunEntryBytes - 8)) {
    return Damaged(path, offset, "the checksum of a partition's entry does not match");
  }
  const RunPartition partition = {GetFixed64(entry), GetFixed64(entry + 8), GetFixed64(entry + 16),
                                  GetFixed64(entry + 24), GetDigest(entry + 32)};
  if (!IsPossible(partition)) return Damaged(path, offset, "an impossible partition");
  return partition;
}

}  // namespace

Digest DigestOfRun(const RunFooter& footer) {
  std::string content;
  PutFixed32(&content, FlagsOf(footer.format));
  PutFixed32(&content, static_cast<uint32_t>(footer.partitions.size()));
  for (const RunPartition& partition : footer.partitions) {
    PutFixed64(&content, partition.records);
    PutDigest(&content, partition.digest);
  }
  return DigestOf(content);
}

std::string EncodeRunEnd(const RunFooter& footer, uint64_t offset) {
  std::string bytes;
  bytes.reserve(footer.partitions.size() * kRunEntryBytes + kRunFooterBytes);
  for (uint32_t p = 0; p < footer.partitions.size(); ++p) PutEntry(&bytes, footer.partitions[p], p);
  const size_t begin = bytes.size();
  PutFixed32(&bytes, kRunFormatVersion);
  PutFixed32(&bytes, FlagsOf(footer.format));
  PutFixed64(&bytes, footer.maker.attempt_epoch);
  PutFixed64(&bytes, footer.maker.attempt_sequence);
  PutFixed64(&bytes, footer.maker.job);
  PutFixed32(&bytes, footer.maker.stage);
  PutFixed32(&bytes, footer.maker.task);
  PutDigest(&bytes, footer.digest);
  PutFixed64(&bytes, footer.partitions.size());
  PutFixed64(&bytes, kBlockTargetBytes);
  PutFixed64(&bytes, XXH3_64bits(bytes.data() + begin, bytes.size() - begin));
  bytes.append(kRunMagic.data(), kRunMagic.size());
  return bytes;
}

bool IsPossible(const RunPartition& partition) {
  const bool empty = partition.length == 0;
  return empty == (partition.records == 0) && empty == (partition.longest_block == 0) &&
         partition.longest_block <= partition.length &&
         partition.longest_block <= kBlockHeaderBytes + kMaxPayloadBytes;
}

absl::StatusOr<RunFooter> ReadRunFooter(ReadableFile& file, const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(RunEnd end, ReadEnd(file, path));
  MILLRACE_ASSIGN_OR_RETURN(const std::string entries,
                            ReadAt(file, path, end.entries, end.count * kRunEntryBytes));
  RunFooter footer = std::move(end.footer);
  uint64_t next = kRunMagic.size();  // partitions lie one after the other, without gaps
  for (uint32_t p = 0; p < end.count; ++p) {
    const size_t at = p * kRunEntryBytes;
    MILLRACE_ASSIGN_OR_RETURN(
        const RunPartition partition,
        DecodeEntry(std::string_view(entries).substr(at), p, path, end.entries + at));
    if (partition.offset != next || partition.length > end.entries - next) {
      return Damaged(path, end.entries + at, "the partitions do not fill the file");
    }
    next += partition.length;
    footer.partitions.push_back(partition);
  }
  if (next != end.entries) return Damaged(path, next, "the partitions do not fill the file");
  if (footer.digest != DigestOfRun(footer)) return Damaged(path, end.entries, "wrong digest");
  return footer;
}

absl::StatusOr<RunFooter> ReadRunFooter(FileSystem& fs, const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, fs.OpenForReading(path));
  return ReadRunFooter(*file, path);
}

absl::StatusOr<PartitionOfRun> ReadRunPartition(ReadableFile& file, const std::string& path,
                                                uint32_t index) {
  MILLRACE_ASSIGN_OR_RETURN(const RunEnd end, ReadEnd(file, path));
  if (index >= end.count) {
    return absl::DataLossError(
        absl::StrCat(path, ": a run of ", end.count, " partitions has no partition ", index));
  }
  const uint64_t at = end.entries + uint64_t{index} * kRunEntryBytes;
  MILLRACE_ASSIGN_OR_RETURN(const std::string entry, ReadAt(file, path, at, kRunEntryBytes));
  PartitionOfRun found = {end.footer.maker, end.footer.format, end.footer.digest, RunPartition()};
  MILLRACE_ASSIGN_OR_RETURN(found.partition, DecodeEntry(entry, index, path, at));
  const RunPartition& partition = found.partition;
  if (partition.offset < kRunMagic.size() || partition.offset > end.entries ||
      partition.length > end.entries - partition.offset) {
    return Damaged(path, at, "a partition lies outside the blocks");
  }
  return found;
}

uint64_t BlockChecksum(std::string_view block_after_checksum) {
  return Xxh3().hash64(block_after_checksum.data(), block_after_checksum.size());
}

}  // namespace millrace
