#include "storage/run_format.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/byte_codec.h"

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

// Needs `bytes` to have its checksum verified; still trusts nothing in it.
absl::StatusOr<RunFooter> DecodeFooter(std::string_view bytes, const std::string& path,
                                       uint64_t offset) {
  if (GetFixed32(bytes.data()) != kRunFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": run format version ", GetFixed32(bytes.data()), "; this program reads version ",
        kRunFormatVersion, ": use one release on all machines"));
  }
  const uint32_t flags = GetFixed32(bytes.data() + 4);
  if ((flags & ~kAllFlags) != 0) return Damaged(path, offset + 4, "unknown flags");
  RunFooter footer;
  footer.format.value_kind = (flags & kFlagInt64Values) ? ValueKind::kInt64 : ValueKind::kBytes;
  footer.format.has_group_length = (flags & kFlagGroupLength) != 0;
  footer.maker.attempt_epoch = GetFixed64(bytes.data() + 8);
  footer.maker.attempt_sequence = GetFixed64(bytes.data() + 16);
  footer.maker.job = GetFixed64(bytes.data() + 24);
  footer.maker.stage = GetFixed32(bytes.data() + 32);
  footer.maker.task = GetFixed32(bytes.data() + 36);
  footer.digest = GetDigest(bytes.data() + 40);
  const uint64_t count = GetFixed64(bytes.data() + 56);
  if (count > kMaxRunPartitions ||
      bytes.size() != kRunFooterFixedBytes + count * kRunFooterPartitionBytes) {
    return Damaged(path, offset + 56, "the number of partitions does not fit the footer");
  }
  footer.partitions.resize(count);
  uint64_t next = kRunMagic.size();  // partitions lie one after the other, without gaps
  const char* entry = bytes.data() + kRunFooterFixedBytes;
  for (RunPartition& partition : footer.partitions) {
    partition = {GetFixed64(entry), GetFixed64(entry + 8), GetFixed64(entry + 16),
                 GetDigest(entry + 24)};
    if (partition.offset != next || partition.length > offset - next) {
      return Damaged(path, offset, "the partitions do not fill the file");
    }
    next += partition.length;
    entry += kRunFooterPartitionBytes;
  }
  if (next != offset) return Damaged(path, offset, "the partitions do not fill the file");
  if (footer.digest != DigestOfRun(footer)) return Damaged(path, offset + 40, "wrong digest");
  return footer;
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

std::string EncodeRunFooter(const RunFooter& footer, uint64_t offset) {
  std::string bytes;
  bytes.reserve(kRunFooterFixedBytes + footer.partitions.size() * kRunFooterPartitionBytes +
                kRunTrailerBytes);
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
  PutFixed64(&bytes, 0);  // reserved
  for (const RunPartition& partition : footer.partitions) {
    PutFixed64(&bytes, partition.offset);
    PutFixed64(&bytes, partition.length);
    PutFixed64(&bytes, partition.records);
    PutDigest(&bytes, partition.digest);
  }
  PutFixed64(&bytes, offset);
  PutFixed64(&bytes, XXH3_64bits(bytes.data(), bytes.size()));
  bytes.append(kRunMagic.data(), kRunMagic.size());
  return bytes;
}

absl::StatusOr<RunFooter> ReadRunFooter(ReadableFile& file, const std::string& path) {
  const uint64_t size = file.size();
  if (size < kRunMagic.size() + kRunFooterFixedBytes + kRunTrailerBytes) {
    return Damaged(path, size, "too short for a run");
  }
  MILLRACE_ASSIGN_OR_RETURN(const std::string magic, ReadAt(file, path, 0, kRunMagic.size()));
  const uint64_t trailer_offset = size - kRunTrailerBytes;
  MILLRACE_ASSIGN_OR_RETURN(const std::string trailer,
                            ReadAt(file, path, trailer_offset, kRunTrailerBytes));
  if (magic != kRunMagic) return Damaged(path, 0, "not a run file of this version");
  if (trailer.compare(16, 8, kRunMagic.data(), kRunMagic.size()) != 0) {
    return Damaged(path, trailer_offset + 16, "no trailer: the file was cut or is no run");
  }
  const uint64_t offset = GetFixed64(trailer.data());
  constexpr uint64_t kMaxFooterBytes =
      kRunFooterFixedBytes + uint64_t{kMaxRunPartitions} * kRunFooterPartitionBytes;
  if (offset < kRunMagic.size() || offset > trailer_offset ||
      trailer_offset - offset < kRunFooterFixedBytes || trailer_offset - offset > kMaxFooterBytes) {
    return Damaged(path, trailer_offset, "the footer's offset is impossible");
  }
  MILLRACE_ASSIGN_OR_RETURN(const std::string footer,
                            ReadAt(file, path, offset, trailer_offset + 8 - offset));
  if (XXH3_64bits(footer.data(), footer.size()) != GetFixed64(trailer.data() + 8)) {
    return Damaged(path, offset, "the footer's checksum does not match");
  }
  return DecodeFooter(std::string_view(footer).substr(0, footer.size() - 8), path, offset);
}

absl::StatusOr<RunFooter> ReadRunFooter(FileSystem& fs, const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, fs.OpenForReading(path));
  return ReadRunFooter(*file, path);
}

uint64_t BlockChecksum(std::string_view block_after_checksum) {
  return XXH3_64bits(block_after_checksum.data(), block_after_checksum.size());
}

}  // namespace millrace
