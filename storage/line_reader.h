// Reads one range of an input file and hands out chunks of whole records.
//
//   LineReader reader(fs, options);                     // one for all ranges of a split
//   MILLRACE_RETURN_IF_ERROR(reader.Open(range));
//   InputChunk chunk;
//   while (true) {
//     MILLRACE_ASSIGN_OR_RETURN(bool more, reader.Next(&chunk));
//     if (!more) break;
//     ... chunk.data ...
//   }
//
// A line belongs to the range in which its first byte lies, so ranges that cover a file give every
// line exactly once: the rest of a line that began before the range is skipped, and the last line
// is read to its end, past the end of the range. Line ends ("\n") stay in the data, and so does a
// "\r" before them; only the last chunk of a file may lack its line end. Bytes are bytes.
//
// Nothing is copied but the incomplete line at the end of each read. One thread.
#ifndef MILLRACE_STORAGE_LINE_READER_H_
#define MILLRACE_STORAGE_LINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "storage/file_system.h"
#include "storage/input_split.h"

namespace millrace {

// Whole records of one file: at least one.
struct InputChunk {
  std::string_view data;
  uint64_t offset = 0;  // in the file, of the first byte of `data`
};

class LineReader {
 public:
  // This many bytes after a chunk may be read, and are zero: a scanner need not stop at the end.
  static constexpr size_t kSlackBytes = 64;

  struct Options {
    InputFormat format = InputFormat::kLines;
    // How much is read at once. Chunks are about as long, if lines are not longer.
    uint64_t read_bytes = 1 << 20;
    // Lines (or, with kWholeFile, files) up to this long are always accepted. Longer ones are
    // refused as soon as they do not fit into the buffer, which holds at most this plus
    // `read_bytes`.
    uint64_t max_record_bytes = 64 << 20;
  };

  // `fs` must outlive the reader.
  LineReader(FileSystem* fs, const Options& options);
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // Starts on a range. kFailedPrecondition if the file is not the one that `range` describes (size
  // and time of last change), kInvalidArgument if the range does not lie in it; else the errors of
  // OpenForReading.
  absl::Status Open(const FileRange& range);

  // Gets the next chunk, which is valid until the next call, or returns false at the end of the
  // range. kFailedPrecondition if the file changed meanwhile, kOutOfRange for a record that is too
  // long, with its position. After an error only Open makes sense.
  absl::StatusOr<bool> Next(InputChunk* chunk);

 private:
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };

  absl::StatusOr<bool> NextLines(InputChunk* chunk);
  absl::StatusOr<bool> WholeFile(InputChunk* chunk);
  absl::Status SkipPartialLine();
  size_t FindCut();
  absl::Status Fill();
  uint64_t BytesToRead(uint64_t position);
  absl::Status ReadExactly(uint64_t position, size_t length);
  void Compact();
  void Reserve(size_t length);
  void HandOut(size_t cut, InputChunk* chunk);
  void RestoreSlack();
  absl::Status CheckUnchanged() const;

  FileSystem* const fs_;
  const Options options_;

  FileRange range_;
  uint64_t range_end_ = 0;
  std::unique_ptr<ReadableFile> file_;
  bool skipping_ = false;        // still looking for the first line that begins in the range
  bool done_ = true;             // everything was handed out
  uint64_t past_end_bytes_ = 0;  // how much to read at once past the end of the range

  // The buffer holds bytes of the file from `buffer_offset_`: those in [begin_, end_) are yet to be
  // handed out, and the ones before scanned_ hold no line end.
  std::unique_ptr<char, Free> buffer_;
  size_t capacity_ = 0;  // without the slack
  uint64_t buffer_offset_ = 0;
  size_t begin_ = 0;
  size_t scanned_ = 0;
  size_t end_ = 0;

  // The bytes after the chunk that was handed out, which are zero meanwhile.
  char saved_[kSlackBytes];
  size_t saved_at_ = 0;
  bool slack_is_saved_ = false;
};

}  // namespace millrace

#endif  // MILLRACE_STORAGE_LINE_READER_H_
