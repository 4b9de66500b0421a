// Finds the number of the first line of a chunk, when a mapper asks for it.
//
// A split may begin anywhere in its file, so the line ends before it have to be counted: by reading
// them, once. What was counted, or passed by in another split of the same file, is remembered in
// stretches, so a runner that gets many splits of one file counts each byte of it about once. Jobs
// that never ask pay nothing but a map entry a megabyte.
//
// Positions in a compressed file are those of what its piece decompresses to, so nothing before a
// chunk can be read there: it must have been passed, from the file's beginning on.
//
// One thread. Memory is bounded: a few files, and a few thousand stretches each.
#ifndef MILLRACE_WORKER_ENGINE_LINE_NUMBERS_H_
#define MILLRACE_WORKER_ENGINE_LINE_NUMBERS_H_

#include <cstdint>
#include <list>
#include <map>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "mapreduce/map_input.h"
#include "storage/chunk_buffer.h"
#include "storage/file_system.h"
#include "storage/input_split.h"
#include "worker/engine/task_hooks.h"

namespace millrace {

class LineNumbers : public LineNumberSource {
 public:
  // `file_system` must outlive this object.
  explicit LineNumbers(FileSystem* file_system) : fs_(file_system) {}

  // Counting is progress of this attempt, and ends when the attempt is cancelled. Forgets the
  // errors of the attempt before.
  void BeginAttempt(TaskHooks* hooks);
  // The chunks that follow are of this range.
  void Open(const FileRange& range);
  // Whether lines that were not passed can be counted all the same.
  bool CanCountByReading() const;
  // The mapper is given the chunk that begins there.
  void Enter(uint64_t offset) { offset_ = offset; }
  // The chunk is behind the mapper and has so many line ends.
  void Passed(const InputChunk& chunk, uint64_t line_ends);

  // Of the chunk that was entered. After an error, which is in status(), any number.
  uint64_t FirstLine() override;
  const absl::Status& status() const { return status_; }

 private:
  static constexpr uint64_t kReadBytes = 1 << 20;
  static constexpr size_t kMaxFiles = 8;
  static constexpr size_t kMaxStretches = 4096;

  struct Stretch {
    uint64_t end = 0;
    uint64_t line_ends = 0;
  };

  // What is known of a file: stretches without overlap, by where they begin.
  struct KnownFile {
    InputFile file;
    std::map<uint64_t, Stretch> stretches;
    uint64_t grain = kReadBytes;  // neighbours grow together up to this
  };

  // A place whose number of line ends before it is known.
  struct Place {
    uint64_t offset = 0;
    uint64_t line_ends = 0;
  };

  void Add(uint64_t begin, const Stretch& stretch);
  void Coarsen();
  absl::Status CheckKnowable() const;
  absl::StatusOr<uint64_t> LineEndsBefore(uint64_t offset);
  absl::StatusOr<uint64_t> CountByReading(uint64_t begin, uint64_t end);

  FileSystem* const fs_;
  TaskHooks* hooks_ = nullptr;
  absl::Status status_;
  std::list<KnownFile> files_;  // the one that is open comes first
  bool begins_file_ = false;    // whether the range that is open does
  uint64_t offset_ = 0;
  Place place_;                           // in the file that is open
  std::unique_ptr<ReadableFile> reader_;  // of the file that is open; null until needed
  std::unique_ptr<char[]> buffer_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_LINE_NUMBERS_H_
