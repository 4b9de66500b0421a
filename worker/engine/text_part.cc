#include "worker/engine/text_part.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "mapreduce/status_macros.h"

namespace millrace {

absl::StatusOr<std::unique_ptr<TextPart>> TextPart::Create(FileSystem* fs,
                                                           const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<AtomicFile> file, AtomicFile::Create(*fs, path));
  return std::unique_ptr<TextPart>(new TextPart(std::move(file)));
}

TextPart::TextPart(std::unique_ptr<AtomicFile> file)
    : file_(std::move(file)), buffer_(new char[kBufferBytes]) {}

void TextPart::Write(std::string_view key, std::string_view value) {
  ++records_;
  const size_t size = key.size() + value.size() + 2;
  if (size > kBufferBytes - used_) {
    Flush();
    if (size > kBufferBytes) return WriteInPieces(key, value);
  }
  char* out = buffer_.get() + used_;
  if (!leaves_out_keys_) {
    out = std::copy(key.begin(), key.end(), out);
    *out++ = '\t';
  }
  out = std::copy(value.begin(), value.end(), out);
  *out++ = '\n';
  used_ = static_cast<size_t>(out - buffer_.get());
}

// A line that is longer than the buffer.
void TextPart::WriteInPieces(std::string_view key, std::string_view value) {
  if (!leaves_out_keys_) {
    Append(key);
    Append("\t");
  }
  Append(value);
  Append("\n");
}

void TextPart::Write(std::string_view key, int64_t value) {
  char digits[24];
  const char* const end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  Write(key, std::string_view(digits, static_cast<size_t>(end - digits)));
}

void TextPart::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    if (used_ == kBufferBytes) Flush();
    const size_t size = std::min(bytes.size(), kBufferBytes - used_);
    std::memcpy(buffer_.get() + used_, bytes.data(), size);
    used_ += size;
    bytes.remove_prefix(size);
  }
}

void TextPart::Flush() {
  const std::string_view bytes(buffer_.get(), used_);
  stream_.Update(bytes);
  if (status_.ok() && used_ > 0) status_ = file_->Append(bytes);
  flushed_ += used_;
  used_ = 0;
}

absl::Status TextPart::Finish() {
  Flush();
  digest_ = stream_.Finish();
  MILLRACE_RETURN_IF_ERROR(status_);
  return file_->Commit(AtomicFile::kDurable);
}

}  // namespace millrace
