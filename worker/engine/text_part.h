// Writes one part of a job's output: lines of `key<TAB>value<LF>`.
//
//   MILLRACE_ASSIGN_OR_RETURN(auto part, TextPart::Create(fs, path));
//   part->Write("ant", 3);
//   MILLRACE_RETURN_IF_ERROR(part->Finish());
//
// The file lies under a temporary name until Finish; a part that goes without Finish leaves
// nothing. Write returns nothing: the first error is kept, later lines are dropped, and Finish
// returns it. Memory is one buffer. One thread.
#ifndef MILLRACE_WORKER_ENGINE_TEXT_PART_H_
#define MILLRACE_WORKER_ENGINE_TEXT_PART_H_

#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/atomic_file.h"
#include "storage/digest.h"
#include "storage/file_system.h"

namespace millrace {

class TextPart {
 public:
  static absl::StatusOr<std::unique_ptr<TextPart>> Create(FileSystem* fs, const std::string& path);
  TextPart(const TextPart&) = delete;
  TextPart& operator=(const TextPart&) = delete;

  // From now on a line is a value alone.
  void LeaveOutKeys() { leaves_out_keys_ = true; }

  void Write(std::string_view key, std::string_view value);
  void Write(std::string_view key, int64_t value);

  const absl::Status& status() const { return status_; }

  // Makes the file durable and gives it its name.
  absl::Status Finish();

  // Of what was written; the digest is known after Finish.
  uint64_t records() const { return records_; }
  uint64_t bytes() const { return flushed_ + used_; }
  const Digest& digest() const { return digest_; }

 private:
  static constexpr size_t kBufferBytes = 512 << 10;

  explicit TextPart(std::unique_ptr<AtomicFile> file);

  void WriteInPieces(std::string_view key, std::string_view value);
  void Append(std::string_view bytes);
  void Flush();

  const std::unique_ptr<AtomicFile> file_;
  absl::Status status_;
  DigestStream stream_;
  Digest digest_;
  bool leaves_out_keys_ = false;
  uint64_t records_ = 0;
  uint64_t flushed_ = 0;
  size_t used_ = 0;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_TEXT_PART_H_
