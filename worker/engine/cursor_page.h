// Where a mapper stands, in plain memory that another process can read after a crash.
//
// The executor puts the page into memory shared with its parent (a memfd) and the engine keeps it
// up to date with plain stores. When the executor has died, the parent reads it:
//
//   page->DescribePosition() == "/data/part-7.txt:10423"
//
// All bytes zero is the valid "not in a chunk". One writer; readers only after the writer's death,
// or knowing that the answer may be stale.
#ifndef MILLRACE_WORKER_ENGINE_CURSOR_PAGE_H_
#define MILLRACE_WORKER_ENGINE_CURSOR_PAGE_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "mapreduce/map_input.h"
#include "storage/input_split.h"

namespace millrace {

class CursorPage {
 public:
  // The mapper now walks `data`, which is file[offset, offset + data.size()).
  void EnterChunk(std::string_view file, uint64_t offset, std::string_view data);
  // The same, and `data` is one record.
  void EnterRecord(std::string_view file, uint64_t offset, std::string_view data);
  // The mapper is outside any chunk.
  void Leave();

  // "file:offset" of the current record, or "" outside any chunk. Never reads beyond the page,
  // whatever a dying process left in it.
  std::string DescribePosition() const;

  // The current record, with its bytes if the mapper has no other at the same time; else about
  // where it begins, without bytes. No file outside any chunk, or if its path is too long to be
  // kept.
  InputRecord Record() const;

  // The position of `bytes` itself when it lies in the chunk, which is nearer than the record; else
  // that of the current record.
  std::string PositionOf(std::string_view bytes) const;

  // How far the current record is into its chunk, for any thread while the mapper runs: it may be
  // a moment old. 0 outside any chunk.
  uint64_t BytesIntoChunk() const;

  InputCursor* cursor() { return &cursor_; }

 private:
  // Where `at` lies in the file, if it lies in the chunk.
  std::optional<uint64_t> OffsetOf(const char* at) const;
  std::string Path() const;
  std::string Describe(const char* at) const;

  // A longer path keeps its end, which tells files apart.
  static constexpr size_t kPathBytes = 2048;

  uint64_t chunk_offset_ = 0;
  std::atomic<uint64_t> chunk_size_{0};
  // Address in the process of the writer; null: in no chunk.
  std::atomic<const char*> chunk_data_{nullptr};
  bool chunk_is_record_ = false;
  InputCursor cursor_;
  char path_[kPathBytes] = {};
};
static_assert(std::is_standard_layout_v<CursorPage> && sizeof(CursorPage) <= 4096,
              "one page of shared memory");

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_CURSOR_PAGE_H_
