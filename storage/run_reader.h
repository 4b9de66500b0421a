// Reads one partition of a run as a stream, either from the complete run file or from a file that
// holds just the bytes of the partition, as they were fetched from another host.
//
//   absl::StatusOr<RunReader> reader = RunReader::OpenInRun(&fs, path, footer, partition);
//   while (reader->Next()) Use(reader->key(), reader->value());
//   MILLRACE_RETURN_IF_ERROR(reader->status());
//
// No record is handed out before the checksum of its block matched; the digest of the partition is
// checked at its end. Any byte that was changed, cut or added gives kDataLoss with path and offset.
// Memory is the partition's longest block. One thread.
#ifndef MILLRACE_STORAGE_RUN_READER_H_
#define MILLRACE_STORAGE_RUN_READER_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "storage/byte_codec.h"
#include "storage/digest.h"
#include "storage/file_system.h"
#include "storage/run_format.h"

namespace millrace {

class RunReader {
 public:
  // At least this many bytes can be read from the first byte of key(), whatever its size.
  static constexpr size_t kSlackBytes = 16;

  // What a reader of `partition` needs: its longest block, and a little for itself and its file.
  static uint64_t MemoryFor(const RunPartition& partition) {
    return partition.longest_block + kReaderBytes;
  }

  // `path` is a complete run, `footer` what ReadRunFooter said of it.
  static absl::StatusOr<std::unique_ptr<RunReader>> OpenInRun(FileSystem* fs,
                                                              const std::string& path,
                                                              const RunFooter& footer,
                                                              uint32_t partition);

  // The same from an open file, whose ReadRunPartition gave `partition` and `format`.
  static absl::StatusOr<std::unique_ptr<RunReader>> OpenInFile(std::unique_ptr<ReadableFile> file,
                                                               const std::string& path,
                                                               const RunPartition& partition,
                                                               const RecordFormat& format);

  // `path` holds the bytes of a partition and nothing else; `expected` comes from the footer of the
  // run that they were taken from (its offset is not used).
  static absl::StatusOr<std::unique_ptr<RunReader>> OpenFetched(FileSystem* fs,
                                                                const std::string& path,
                                                                const RunPartition& expected,
                                                                const RecordFormat& format);

  // Goes to the next record (the first one at first). false: the end, or an error in status().
  bool Next() {
    if (next_ == end_ && !NextBlock()) return false;
    return DecodeRecord();
  }

  const absl::Status& status() const { return status_; }
  // Length of the partition.
  uint64_t bytes() const { return expected_.length; }

  // Of the current record, valid until Next.
  std::string_view key() const { return key_; }
  std::string_view group() const { return key_.substr(0, group_size_); }
  // Runs with ValueKind::kBytes only.
  std::string_view value() const { return value_; }
  // Runs with ValueKind::kInt64 only.
  int64_t number() const { return number_; }

 private:
  static constexpr uint64_t kReaderBytes = 4 << 10;

  RunReader(std::unique_ptr<ReadableFile> file, std::string path, uint64_t begin,
            const RunPartition& expected, const RecordFormat& format);

  bool DecodeRecord();
  bool NextBlock();
  bool ReadHeader();
  bool CheckEnd();
  bool ReadExactly(uint64_t offset, size_t length, char* buffer);
  bool Fail(absl::Status status);
  bool Damaged(uint64_t offset, const char* what);

  const std::unique_ptr<ReadableFile> file_;
  const std::string path_;
  const RunPartition expected_;
  const RecordFormat format_;
  absl::Status status_;
  DigestStream digest_;
  uint64_t offset_;          // of the block after the current one
  uint64_t left_;            // bytes of the partition from there on
  uint64_t records_ = 0;     // in the blocks read so far
  uint32_t block_left_ = 0;  // records not yet handed out
  bool has_header_ = false;  // header_ is the header of the block at offset_
  char header_[kBlockHeaderBytes];
  // Room for the longest one: header, payload, header of the next block, slack.
  std::unique_ptr<char[]> block_;
  const char* next_ = nullptr;
  const char* end_ = nullptr;

  std::string_view key_;
  size_t group_size_ = 0;
  std::string_view value_;
  int64_t number_ = 0;
};

inline bool RunReader::DecodeRecord() {
  uint64_t size;
  const char* at = GetVarint(next_, end_, &size);
  uint64_t group_size = size;
  if (format_.has_group_length && at != nullptr) at = GetVarint(at, end_, &group_size);
  if (at == nullptr || size > static_cast<uint64_t>(end_ - at) || group_size > size) {
    return Damaged(offset_, "a key does not fit its block");
  }
  key_ = std::string_view(at, size);
  group_size_ = group_size;
  uint64_t number;
  at = GetVarint(at + size, end_, &number);
  if (at == nullptr) return Damaged(offset_, "a value does not fit its block");
  if (format_.value_kind == ValueKind::kInt64) {
    number_ = UnZigZag(number);
  } else {
    if (number > static_cast<uint64_t>(end_ - at)) {
      return Damaged(offset_, "a value does not fit its block");
    }
    value_ = std::string_view(at, number);
    at += number;
  }
  next_ = at;
  --block_left_;
  if ((next_ == end_) != (block_left_ == 0)) {
    return Damaged(offset_, "a block has another number of records than its header says");
  }
  return true;
}

}  // namespace millrace

#endif  // MILLRACE_STORAGE_RUN_READER_H_
