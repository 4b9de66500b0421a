#include "storage/run_reader.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"

namespace millrace {

absl::StatusOr<std::unique_ptr<RunReader>> RunReader::OpenInRun(FileSystem* fs,
                                                                const std::string& path,
                                                                const RunFooter& footer,
                                                                uint32_t partition) {
  if (partition >= footer.partitions.size()) {
    return absl::DataLossError(absl::StrCat(path, ": a run of ", footer.partitions.size(),
                                            " partitions has no partition ", partition));
  }
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, fs->OpenForReading(path));
  return OpenInFile(std::move(file), path, footer.partitions[partition], footer.format);
}

absl::StatusOr<std::unique_ptr<RunReader>> RunReader::OpenInFile(std::unique_ptr<ReadableFile> file,
                                                                 const std::string& path,
                                                                 const RunPartition& partition,
                                                                 const RecordFormat& format) {
  if (partition.offset > file->size() || partition.length > file->size() - partition.offset) {
    return absl::DataLossError(absl::StrCat(path, ": damaged run at byte ", file->size(),
                                            ": a partition is not complete"));
  }
  return std::unique_ptr<RunReader>(
      new RunReader(std::move(file), path, partition.offset, partition, format));
}

absl::StatusOr<std::unique_ptr<RunReader>> RunReader::OpenFetched(FileSystem* fs,
                                                                  const std::string& path,
                                                                  const RunPartition& expected,
                                                                  const RecordFormat& format) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, fs->OpenForReading(path));
  if (!IsPossible(expected)) {
    return absl::DataLossError(absl::StrCat(path, ": its partition was described wrongly"));
  }
  if (file->size() != expected.length) {
    return absl::DataLossError(absl::StrCat(path, ": damaged partition at byte ", file->size(),
                                            ": expected ", expected.length, " bytes"));
  }
  return std::unique_ptr<RunReader>(
      new RunReader(std::move(file), path, /*begin=*/0, expected, format));
}

RunReader::RunReader(std::unique_ptr<ReadableFile> file, std::string path, uint64_t begin,
                     const RunPartition& expected, const RecordFormat& format)
    : file_(std::move(file)),
      path_(std::move(path)),
      expected_(expected),
      format_(format),
      offset_(begin),
      left_(expected.length) {}

bool RunReader::NextBlock() {
  if (!status_.ok()) return false;
  if (left_ == 0) return CheckEnd();
  if (!ReadHeader()) return false;
  const uint64_t size = GetFixed32(header_ + 8);
  const uint32_t records = GetFixed32(header_ + 12);
  const uint64_t block_size = kBlockHeaderBytes + size;
  if (size == 0 || records == 0 || block_size > expected_.longest_block || block_size > left_) {
    return Damaged(offset_, "an impossible block size");
  }
  if (block_ == nullptr) {
    block_.reset(new char[expected_.longest_block + kBlockHeaderBytes + kSlackBytes]);
  }
  // One read for the payload and the header of the block after it.
  const bool is_last = left_ == block_size;
  const size_t ahead = is_last ? 0 : kBlockHeaderBytes;
  if (left_ - block_size < ahead) return Damaged(offset_ + block_size, "a block is cut short");
  std::memcpy(block_.get(), header_, kBlockHeaderBytes);
  if (!ReadExactly(offset_ + kBlockHeaderBytes, size + ahead, block_.get() + kBlockHeaderBytes)) {
    return false;
  }
  const std::string_view block(block_.get(), block_size);
  if (BlockChecksum(block.substr(kBlockChecksumBytes)) != GetFixed64(block.data())) {
    return Damaged(offset_, "the block's checksum does not match");
  }
  std::memcpy(header_, block_.get() + block_size, ahead);
  std::memset(block_.get() + block_size + ahead, 0, kSlackBytes);
  has_header_ = !is_last;
  next_ = block_.get() + kBlockHeaderBytes;
  end_ = next_ + size;
  digest_.Update(block.substr(0, kBlockChecksumBytes));
  block_left_ = records;
  records_ += records;
  offset_ += block_size;
  left_ -= block_size;
  return true;
}

bool RunReader::ReadHeader() {
  if (has_header_) return true;
  if (left_ < kBlockHeaderBytes) return Damaged(offset_, "a block is cut short");
  return ReadExactly(offset_, kBlockHeaderBytes, header_);
}

bool RunReader::CheckEnd() {
  if (records_ != expected_.records) return Damaged(offset_, "records are missing or too many");
  if (digest_.Finish() != expected_.digest) {
    return Damaged(offset_, "the partition's digest does not match");
  }
  return false;
}

bool RunReader::ReadExactly(uint64_t offset, size_t length, char* buffer) {
  const absl::StatusOr<size_t> got = file_->Read(offset, length, buffer);
  if (!got.ok()) return Fail(got.status());
  if (*got != length) return Damaged(offset + *got, "the file ends here");
  return true;
}

bool RunReader::Fail(absl::Status status) {
  status_ = std::move(status);
  next_ = end_ = nullptr;
  return false;
}

bool RunReader::Damaged(uint64_t offset, const char* what) {
  return Fail(absl::DataLossError(
      absl::StrCat(path_, ": damaged run at or before byte ", offset, ": ", what)));
}

}  // namespace millrace
