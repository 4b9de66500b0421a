#include "worker/engine/cursor_page.h"

#include <cstring>

#include "absl/strings/str_cat.h"

namespace millrace {

void CursorPage::EnterChunk(std::string_view file, uint64_t offset, std::string_view data) {
  Leave();
  if (file.size() >= kPathBytes) file.remove_prefix(file.size() - (kPathBytes - 1));
  std::memcpy(path_, file.data(), file.size());
  path_[file.size()] = '\0';
  chunk_offset_ = offset;
  chunk_size_ = data.size();
  cursor_.record = data.data();
  chunk_data_ = data.data();
}

void CursorPage::EnterRecord(std::string_view file, uint64_t offset, std::string_view data) {
  EnterChunk(file, offset, data);
  chunk_is_record_ = true;
}

void CursorPage::Leave() {
  chunk_is_record_ = false;
  chunk_data_ = nullptr;
  cursor_.record = nullptr;
}

uint64_t CursorPage::BytesIntoChunk() const {
  const char* const data = chunk_data_.load(std::memory_order_relaxed);
  const char* const record = cursor_.record.load(std::memory_order_relaxed);
  if (data == nullptr || record == nullptr) return 0;
  const uint64_t distance = reinterpret_cast<uintptr_t>(record) - reinterpret_cast<uintptr_t>(data);
  // The two may be of different chunks.
  return distance <= chunk_size_.load(std::memory_order_relaxed) ? distance : 0;
}

std::string CursorPage::DescribePosition() const { return Describe(cursor_.record); }

std::string CursorPage::PositionOf(std::string_view bytes) const {
  const std::string own = Describe(bytes.data());
  return own.empty() ? DescribePosition() : own;
}

InputRecord CursorPage::Record() const {
  const std::optional<uint64_t> offset = OffsetOf(cursor_.record);
  const std::string path = Path();
  // A path that was cut fills the page; one that is not absolute was never written there.
  if (!offset.has_value() || path.empty() || path[0] != '/' || path.size() + 1 == kPathBytes) {
    return InputRecord();
  }
  if (chunk_is_record_) return InputRecord{path, chunk_offset_, chunk_size_};
  return InputRecord{path, *offset, 0};
}

std::string CursorPage::Describe(const char* at) const {
  const std::optional<uint64_t> offset = OffsetOf(at);
  return offset.has_value() ? absl::StrCat(Path(), ":", *offset) : "";
}

std::optional<uint64_t> CursorPage::OffsetOf(const char* at) const {
  const char* const data = chunk_data_;
  if (data == nullptr || at == nullptr) return std::nullopt;
  const uint64_t distance = reinterpret_cast<uintptr_t>(at) - reinterpret_cast<uintptr_t>(data);
  if (distance > chunk_size_) return std::nullopt;
  return chunk_offset_ + distance;
}

std::string CursorPage::Path() const { return std::string(path_, strnlen(path_, kPathBytes)); }

}  // namespace millrace
