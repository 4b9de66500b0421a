#include "storage/run_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"

namespace millrace {
namespace {

// A block is closed by its last record, so the buffer has room for a usual one beyond the target.
constexpr size_t kUsualRecordBytes = 4 << 10;

// A buffer that a longer record has made larger than this is not kept for the next block.
constexpr size_t kLargestKeptBytes = 4 << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<RunWriter>> RunWriter::Create(FileSystem* fs,
                                                             const std::string& path,
                                                             const RunWriterOptions& options) {
  if (options.partitions > kMaxRunPartitions) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": a run has at most ", kMaxRunPartitions,
                                                   " partitions, not ", options.partitions));
  }
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, fs->OpenForWriting(path));
  MILLRACE_RETURN_IF_ERROR(file->Append(kRunMagic));
  return std::unique_ptr<RunWriter>(new RunWriter(options, path, std::move(file)));
}

RunWriter::RunWriter(const RunWriterOptions& options, std::string path,
                     std::unique_ptr<WritableFile> file)
    : options_(options),
      path_(std::move(path)),
      close_at_(kBlockHeaderBytes + options.block_bytes),
      file_(std::move(file)),
      offset_(kRunMagic.size()) {
  SetCapacity(close_at_ + kUsualRecordBytes, kBlockHeaderBytes);
  footer_.maker = options.maker;
  footer_.format = options.format;
  footer_.partitions.resize(options.partitions);
  for (RunPartition& partition : footer_.partitions) partition.digest = digest_.Finish();
  if (!footer_.partitions.empty()) footer_.partitions[0].offset = offset_;
}

void RunWriter::BeginPartition(uint32_t partition) {
  EndPartition();
  const bool in_order = partition > partition_ || (partition == partition_ && !ended_);
  if (!in_order || partition >= options_.partitions) {
    status_.Update(absl::InternalError(absl::StrCat(path_, ": partition ", partition, " after ",
                                                    partition_, " of ", options_.partitions)));
    return;
  }
  while (partition_ < partition) footer_.partitions[++partition_].offset = offset_;
  ended_ = false;
}

void RunWriter::Add(std::string_view key, size_t group_length, std::string_view value) {
  if (key.size() + value.size() > kMaxRecordBytes) {
    status_.Update(absl::OutOfRangeError(
        absl::StrCat("a record has a key of ", key.size(), " and a value of ", value.size(),
                     " bytes; together they may have ", kMaxRecordBytes, ": emit smaller pieces")));
  }
  char* out = Reserve(key.size() + value.size() + 3 * kMaxVarintBytes);
  if (out == nullptr) return;
  out = PutVarint(out, key.size());
  if (options_.format.has_group_length) out = PutVarint(out, group_length);
  std::copy(key.begin(), key.end(), out);
  out = PutVarint(out + key.size(), value.size());
  std::copy(value.begin(), value.end(), out);
  Advance(out + value.size());
}

char* RunWriter::ReserveSlow(size_t bytes) {
  if (bytes > kMaxRecordBytes + 3 * kMaxVarintBytes) {
    status_.Update(absl::OutOfRangeError(
        absl::StrCat("a key has ", bytes, " bytes; it may have ", kMaxRecordBytes)));
  }
  if (!status_.ok()) return nullptr;
  const size_t used = static_cast<size_t>(next_ - block_.get());
  SetCapacity(used + bytes, used);
  return next_;
}

// Keeps the first `used` bytes of the block.
void RunWriter::SetCapacity(size_t capacity, size_t used) {
  if (used == kBlockHeaderBytes) block_ = nullptr;  // the header is written last: nothing to keep
  std::unique_ptr<char[]> other(new char[capacity]);
  if (block_ != nullptr) std::memcpy(other.get(), block_.get(), used);
  block_ = std::move(other);
  next_ = block_.get() + used;
  limit_ = block_.get() + capacity;
}

void RunWriter::CloseBlock() {
  const size_t size = static_cast<size_t>(next_ - block_.get());
  next_ = block_.get() + kBlockHeaderBytes;
  const uint32_t records = std::exchange(block_records_, 0);
  if (records == 0 || !status_.ok()) return;
  char* const header = block_.get();
  const uint32_t payload_size = static_cast<uint32_t>(size - kBlockHeaderBytes);
  std::memcpy(header + 8, &payload_size, sizeof(payload_size));
  std::memcpy(header + 12, &records, sizeof(records));
  const uint64_t checksum =
      BlockChecksum(std::string_view(header + kBlockChecksumBytes, size - kBlockChecksumBytes));
  std::memcpy(header, &checksum, sizeof(checksum));
  digest_.Update(std::string_view(header, sizeof(checksum)));
  RunPartition& partition = footer_.partitions[partition_];
  partition.length += size;
  partition.records += records;
  partition.longest_block = std::max<uint64_t>(partition.longest_block, size);
  records_ += records;
  offset_ += size;
  status_.Update(file_->Append(std::string_view(header, size)));
  if (size > kLargestKeptBytes) SetCapacity(close_at_ + kUsualRecordBytes, kBlockHeaderBytes);
}

void RunWriter::EndPartition() {
  CloseBlock();
  if (ended_ || footer_.partitions.empty() || footer_.partitions[partition_].records == 0) return;
  footer_.partitions[partition_].digest = digest_.Finish();
  digest_.Reset();
  ended_ = true;
}

absl::StatusOr<RunFooter> RunWriter::Finish() {
  EndPartition();
  while (partition_ + 1 < options_.partitions) footer_.partitions[++partition_].offset = offset_;
  footer_.digest = DigestOfRun(footer_);
  if (status_.ok()) status_.Update(file_->Append(EncodeRunEnd(footer_, offset_)));
  if (status_.ok() && options_.durable) status_.Update(file_->Sync());
  status_.Update(file_->Close());  // in any case, so that the file can be removed
  if (!status_.ok()) return status_;
  return footer_;
}

}  // namespace millrace
