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

void CursorPage::Leave() {
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

std::string CursorPage::Describe(const char* at) const {
  const char* const data = chunk_data_;
  if (data == nullptr || at == nullptr) return "";
  const uint64_t distance = reinterpret_cast<uintptr_t>(at) - reinterpret_cast<uintptr_t>(data);
  if (distance > chunk_size_) return "";
  const std::string path(path_, strnlen(path_, kPathBytes));
  return absl::StrCat(path, ":", chunk_offset_ + distance);
}

}  // namespace millrace
