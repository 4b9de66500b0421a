// Writes a run file: records in, partition by partition, each in key order.
//
//   absl::StatusOr<std::unique_ptr<RunWriter>> writer = RunWriter::Create(&fs, path, options);
//   (*writer)->BeginPartition(0);
//   (*writer)->Add("ant", 3);
//   (*writer)->Add("bee", 1);
//   absl::StatusOr<RunFooter> footer = (*writer)->Finish();
//
// Memory is one block. Add is inline and returns nothing: the first error is kept, later records
// are dropped, and Finish returns it. Nothing is renamed. One thread.
#ifndef MILLRACE_STORAGE_RUN_WRITER_H_
#define MILLRACE_STORAGE_RUN_WRITER_H_

#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "storage/byte_codec.h"
#include "storage/digest.h"
#include "storage/file_system.h"
#include "storage/run_format.h"

namespace millrace {

struct RunWriterOptions {
  RunMaker maker;
  RecordFormat format;
  uint32_t partitions = 1;
  // Smaller blocks are for tests.
  size_t block_bytes = kBlockTargetBytes;
  // Whether Finish syncs the file.
  bool durable = false;
};

class RunWriter {
 public:
  static absl::StatusOr<std::unique_ptr<RunWriter>> Create(FileSystem* fs, const std::string& path,
                                                           const RunWriterOptions& options);

  // Records from here on belong to `partition`. Partitions come in ascending order; those left out
  // are empty.
  void BeginPartition(uint32_t partition);

  // Adds a record of a run with ValueKind::kInt64 and no group length.
  void Add(std::string_view key, int64_t value) {
    char* out = Reserve(key.size() + 2 * kMaxVarintBytes);
    if (out == nullptr) return;
    out = PutVarint(out, key.size());
    std::memcpy(out, key.data(), key.size());
    Advance(PutVarint(out + key.size(), ZigZag(value)));
  }

  // Adds a record of a run with ValueKind::kBytes. `group_length` is written if the format says so.
  void Add(std::string_view key, size_t group_length, std::string_view value);
  void Add(std::string_view key, std::string_view value) { Add(key, key.size(), value); }

  // Adds a record that is encoded already: varint(key size) key varint(value size) value. Needs
  // ValueKind::kBytes and no group length.
  void AddEncoded(std::string_view record) {
    char* const out = Reserve(record.size());
    if (out == nullptr) return;
    std::memcpy(out, record.data(), record.size());
    Advance(out + record.size());
  }

  const absl::Status& status() const { return status_; }
  uint64_t records() const { return records_; }

  // Writes entries and footer, and closes the file. Returns what was written, or the first error.
  absl::StatusOr<RunFooter> Finish();

 private:
  RunWriter(const RunWriterOptions& options, std::string path, std::unique_ptr<WritableFile> file);

  // Room for `bytes` after what is in the block; null when the writer has failed.
  char* Reserve(size_t bytes) {
    if (static_cast<size_t>(limit_ - next_) < bytes) return ReserveSlow(bytes);
    return next_;
  }
  void Advance(char* next) {
    next_ = next;
    ++block_records_;
    if (static_cast<size_t>(next - block_.get()) >= close_at_) CloseBlock();
  }
  char* ReserveSlow(size_t bytes);
  void SetCapacity(size_t capacity, size_t used);
  void CloseBlock();
  void EndPartition();

  const RunWriterOptions options_;
  const std::string path_;
  const size_t close_at_;
  std::unique_ptr<WritableFile> file_;
  absl::Status status_;
  RunFooter footer_;
  DigestStream digest_;  // of the checksums of the current partition's blocks
  uint32_t partition_ = 0;
  bool ended_ = false;   // whether partition_ is complete and has its digest
  uint64_t offset_ = 0;  // of the current block in the file
  uint64_t records_ = 0;
  uint32_t block_records_ = 0;
  std::unique_ptr<char[]> block_;  // header and payload
  char* next_ = nullptr;
  char* limit_ = nullptr;
};

}  // namespace millrace

#endif  // MILLRACE_STORAGE_RUN_WRITER_H_
