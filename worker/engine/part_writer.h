// Writes one part of a job's output, by default lines of `key<TAB>value<LF>`.
//
//   MILLRACE_ASSIGN_OR_RETURN(auto part, PartWriter::Create(fs, path, shape));
//   part->Write("ant", 3);
//   MILLRACE_RETURN_IF_ERROR(part->Finish());
//
// The file lies under a temporary name until Finish; a part that goes without Finish leaves
// nothing. Write returns nothing: the first error is kept, later pairs are dropped, and Finish
// returns it. A pair that would read as something else in the output's format (a key with a tab, a
// value with a line end) is escaped if the shape says so; otherwise it is an error, kOutOfRange.
// Memory is one buffer. One thread.
#ifndef MILLRACE_WORKER_ENGINE_PART_WRITER_H_
#define MILLRACE_WORKER_ENGINE_PART_WRITER_H_

#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "mapreduce/output_shape.h"
#include "storage/digest.h"
#include "storage/file_system.h"
#include "worker/engine/part_file.h"

namespace millrace {

class PartWriter {
 public:
  static absl::StatusOr<std::unique_ptr<PartWriter>> Create(FileSystem* fs, const std::string& path,
                                                            const OutputShape& shape);
  PartWriter(const PartWriter&) = delete;
  PartWriter& operator=(const PartWriter&) = delete;

  void Write(std::string_view key, std::string_view value);
  void Write(std::string_view key, int64_t value);

  const absl::Status& status() const { return status_; }

  // Makes the file durable and gives it its name.
  absl::Status Finish();

  // Of what was written. Bytes and digest are those of the file, known after Finish.
  uint64_t records() const { return records_; }
  uint64_t bytes() const { return file_->bytes(); }
  const Digest& digest() const { return file_->digest(); }

 private:
  static constexpr size_t kBufferBytes = 512 << 10;
  // Behind the buffer, so that bytes can be looked at 16 at a time.
  static constexpr size_t kSlackBytes = 16;

  PartWriter(std::unique_ptr<PartFile> file, const OutputShape& shape);

  void WriteTerminated(std::string_view key, std::string_view value);
  void WriteLong(std::string_view key, std::string_view value);
  void WriteEscaped(std::string_view key, std::string_view value);
  void WriteKeyValue(std::string_view key, std::string_view value);
  void Append(std::string_view bytes);
  void AppendToFile(std::string_view bytes);
  void CheckRoom(size_t size);
  void Refuse(std::string_view key, std::string_view value);
  void Flush();

  const std::unique_ptr<PartFile> file_;
  const OutputShape shape_;
  const char terminator_;
  const char key_end_;  // may not be in a key, nor may the terminator
  absl::Status status_;
  uint64_t records_ = 0;
  uint64_t block_records_ = 0;  // in the buffer
  size_t used_ = 0;
  std::unique_ptr<char[]> buffer_;
  std::string escaped_;  // one pair, as it is put together
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_PART_WRITER_H_
