#include "worker/engine/part_writer.h"

#include <emmintrin.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/key_value.h"
#include "mapreduce/status_macros.h"
#include "mapreduce/strings.h"
#include "storage/key_value_file.h"

namespace millrace {
namespace {

// Enough to recognise a key by.
constexpr size_t kBytesShown = 40;

// Whether one of the two is among [data, data + size). 15 bytes behind that may be read.
bool HasEither(const char* data, size_t size, char a, char b) {
  const __m128i wanted_a = _mm_set1_epi8(a);
  const __m128i wanted_b = _mm_set1_epi8(b);
  for (size_t at = 0; at < size; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at));
    const __m128i found =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, wanted_a), _mm_cmpeq_epi8(bytes, wanted_b));
    uint32_t mask = static_cast<uint32_t>(_mm_movemask_epi8(found));
    if (size - at < 16) mask &= (1u << (size - at)) - 1;
    if (__builtin_expect(mask != 0, 0)) return true;
  }
  return false;
}

void AppendEscaped(std::string_view bytes, std::string* out) {
  for (const char c : bytes) {
    switch (c) {
      case '\t': out->append("\\t"); break;
      case '\n': out->append("\\n"); break;
      case '\r': out->append("\\r"); break;
      case '\0': out->append("\\0"); break;
      case '\\': out->append("\\\\"); break;
      default: out->push_back(c);
    }
  }
}

std::string Shown(std::string_view bytes) {
  const std::string_view front = bytes.substr(0, kBytesShown);
  return absl::StrCat("\"", absl::CHexEscape(ToAbsl(front)), front.size() < bytes.size() ? "…" : "",
                      "\"");
}

}  // namespace

absl::StatusOr<std::unique_ptr<PartWriter>> PartWriter::Create(FileSystem* fs,
                                                               const std::string& path,
                                                               const OutputShape& shape) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<PartFile> file, PartFile::Create(fs, path, shape.zstd));
  return std::unique_ptr<PartWriter>(new PartWriter(std::move(file), shape));
}

PartWriter::PartWriter(std::unique_ptr<PartFile> file, const OutputShape& shape)
    : file_(std::move(file)),
      shape_(shape),
      terminator_(shape.format == OutputFormat::kNulSeparated ? '\0' : '\n'),
      key_end_(shape.keys_have_fields ? terminator_ : '\t'),
      buffer_(new char[kBufferBytes + kSlackBytes]) {
  if (shape_.format == OutputFormat::kKeyValue) AppendToFile(kKeyValueMagic);
}

void PartWriter::Write(std::string_view key, std::string_view value) {
  ++records_;
  switch (shape_.format) {
    case OutputFormat::kKeyValue: return WriteKeyValue(key, value);
    case OutputFormat::kRecords:
      if (shape_.keys) Append(key);
      return Append(value);
    default: return shape_.escape ? WriteEscaped(key, value) : WriteTerminated(key, value);
  }
}

void PartWriter::Write(std::string_view key, int64_t value) {
  char digits[24];
  const char* const end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  Write(key, std::string_view(digits, static_cast<size_t>(end - digits)));
}

// What is written is looked at in the buffer, where it can be read in wide steps.
void PartWriter::WriteTerminated(std::string_view key, std::string_view value) {
  if (!shape_.keys) key = std::string_view();
  const size_t key_size = shape_.keys ? key.size() + 1 : 0;
  const size_t size = key_size + value.size() + 1;
  CheckRoom(size);
  if (size > kBufferBytes) return WriteLong(key, value);
  char* const begin = buffer_.get() + used_;
  char* out = begin;
  if (shape_.keys) {
    out = std::copy(key.begin(), key.end(), out);
    *out++ = '\t';
  }
  out = std::copy(value.begin(), value.end(), out);
  const bool bad = HasEither(begin, key.size(), key_end_, terminator_) ||
                   HasEither(out - value.size(), value.size(), terminator_, terminator_);
  if (__builtin_expect(bad, 0)) return Refuse(key, value);
  *out++ = terminator_;
  used_ += size;
}

// Longer than the buffer: piece by piece.
void PartWriter::WriteLong(std::string_view key, std::string_view value) {
  const bool bad_key = key.find(key_end_) != key.npos || key.find(terminator_) != key.npos;
  if (bad_key || value.find(terminator_) != value.npos) return Refuse(key, value);
  if (shape_.keys) {
    Append(key);
    Append("\t");
  }
  Append(value);
  Append(std::string_view(&terminator_, 1));
}

void PartWriter::WriteEscaped(std::string_view key, std::string_view value) {
  escaped_.clear();
  if (shape_.keys) {
    AppendEscaped(key, &escaped_);
    escaped_.push_back('\t');
  }
  AppendEscaped(value, &escaped_);
  escaped_.push_back(terminator_);
  Append(escaped_);
}

// The buffer is one block; a pair that is longer is a block of its own.
void PartWriter::WriteKeyValue(std::string_view key, std::string_view value) {
  static_assert(kBufferBytes >= kKeyValueBlockBytes);
  const size_t size = kKeyValueHeaderBytes + key.size() + value.size();
  if (size > kKeyValueBlockBytes - std::min(used_, kKeyValueBlockBytes)) Flush();
  if (size > kKeyValueBlockBytes) {
    escaped_.resize(kKeyValueHeaderBytes);
    PutKeyValueHeader(key.size(), value.size(), &escaped_[0]);
    escaped_.append(key.data(), key.size());
    escaped_.append(value.data(), value.size());
    AppendToFile(KeyValueBlockHeader(escaped_, 1));
    return AppendToFile(escaped_);
  }
  char* out = buffer_.get() + used_;
  PutKeyValueHeader(key.size(), value.size(), out);
  out = std::copy(key.begin(), key.end(), out + kKeyValueHeaderBytes);
  std::copy(value.begin(), value.end(), out);
  used_ += size;
  ++block_records_;
}

// The key is not looked at where it is not written.
void PartWriter::Refuse(std::string_view key, std::string_view value) {
  const char* const separator = terminator_ == '\0' ? "a NUL" : "a line end";
  const bool in_key = key.find(key_end_) != key.npos || key.find(terminator_) != key.npos;
  const bool has_tab = key_end_ == '\t' && key.find('\t') != key.npos;
  const char* const what = has_tab ? "a tab" : separator;
  const std::string subject = in_key ? absl::StrCat("the key ", Shown(key), " has ", what)
                                     : absl::StrCat("the value of key ", Shown(key), ", ",
                                                    Shown(value), ", has ", separator);
  status_.Update(absl::OutOfRangeError(
      absl::StrCat(subject,
                   " in it, and would read as something else in the output; write it with "
                   "--escape_output, or choose --output_format=key_value, which holds any bytes")));
}

void PartWriter::CheckRoom(size_t size) {
  if (size > kBufferBytes - used_) Flush();
}

void PartWriter::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    if (used_ == kBufferBytes) Flush();
    const size_t size = std::min(bytes.size(), kBufferBytes - used_);
    std::memcpy(buffer_.get() + used_, bytes.data(), size);
    used_ += size;
    bytes.remove_prefix(size);
  }
}

void PartWriter::AppendToFile(std::string_view bytes) {
  if (status_.ok()) status_ = file_->Append(bytes);
}

void PartWriter::Flush() {
  if (used_ == 0) return;
  const std::string_view bytes(buffer_.get(), used_);
  if (shape_.format == OutputFormat::kKeyValue) {
    AppendToFile(KeyValueBlockHeader(bytes, static_cast<uint32_t>(block_records_)));
    block_records_ = 0;
  }
  AppendToFile(bytes);
  used_ = 0;
}

absl::Status PartWriter::Finish() {
  Flush();
  MILLRACE_RETURN_IF_ERROR(status_);
  return file_->Finish();
}

}  // namespace millrace
