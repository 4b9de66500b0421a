// Reads one range of an input file and hands out chunks of whole records.
//
//   RecordReader reader(fs, options);                     // one for all ranges of a split
//   MILLRACE_RETURN_IF_ERROR(reader.Open(range));
//   InputChunk chunk;
//   while (true) {
//     MILLRACE_ASSIGN_OR_RETURN(bool more, reader.Next(&chunk));
//     if (!more) break;
//     ... chunk.data ...
//   }
//
// A record belongs to the range in which its first byte lies, so ranges that cover a file give
// every record exactly once: the rest of one that began before the range is skipped, and the last
// is read to its end, past the end of the range. Terminators ("\n", or NUL) stay in the data, and
// so does a "\r" before them; only the last chunk of a file may lack its terminator. Bytes are
// bytes.
//
// A compressed file gives what it decompresses to. A range of one that does not begin it begins
// with a frame, and has the records that begin behind the frame's first byte, up to and including
// the one that begins with the first byte of the next range: for whether a record ends where a
// frame ends is seen only by who reads the frame before.
//
// Nothing is copied but the incomplete record at the end of each read. One thread.
#ifndef MILLRACE_STORAGE_RECORD_READER_H_
#define MILLRACE_STORAGE_RECORD_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "mapreduce/record_shape.h"
#include "storage/byte_source.h"
#include "storage/chunk_buffer.h"
#include "storage/file_system.h"
#include "storage/input_split.h"
#include "storage/key_value_file.h"

namespace millrace {

class RecordReader {
 public:
  struct Options {
    RecordShape shape;
    // How much is read at once. Chunks are about as long, if records are not longer.
    uint64_t read_bytes = 1 << 20;
    // Records up to this long are always accepted. Longer ones are refused as soon as they do not
    // fit into the buffer, which holds at most this plus `read_bytes`.
    uint64_t max_record_bytes = 64 << 20;
    // Not null: damaged zstd frames can be stepped over, and those among these are; an error names
    // one more (BadFrameOf). With a frame goes what of records lies before and behind it. Only of
    // records that end with a terminator. Must outlive the reader.
    const std::vector<InputRecord>* skipped_frames = nullptr;
  };

  // `fs` must outlive the reader.
  RecordReader(FileSystem* fs, const Options& options);
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

  // Starts on a range. kFailedPrecondition if the file is not the one that `range` describes (size
  // and time of last change), kInvalidArgument if the range does not lie in it; else the errors of
  // OpenForReading.
  absl::Status Open(const FileRange& range);

  // Gets the next chunk, which is valid until the next call, or returns false at the end of the
  // range. kFailedPrecondition if the file changed meanwhile, is damaged, or is no whole number of
  // records, kOutOfRange for a record that is too long, with its position. After an error only Open
  // makes sense.
  absl::StatusOr<bool> Next(InputChunk* chunk);

 private:
  std::unique_ptr<ByteSource> Decompressed();
  absl::StatusOr<bool> NextTerminated(InputChunk* chunk);
  absl::StatusOr<bool> NextFixed(InputChunk* chunk);
  absl::StatusOr<bool> NextBlock(InputChunk* chunk);
  absl::StatusOr<bool> WholeFile(InputChunk* chunk);
  absl::Status SkipPartialRecord();
  uint64_t FindCut();
  absl::StatusOr<bool> NextOf(InputChunk* chunk);
  absl::Status Fill();
  bool HasLast() const;
  uint64_t BytesOfRange() const;
  absl::Status TooLong(uint64_t position) const;

  FileSystem* const fs_;
  const Options options_;

  std::unique_ptr<InputFileHandle> file_;
  std::unique_ptr<ByteSource> source_;          // but for key/value files,
  std::unique_ptr<KeyValueReader> key_values_;  // which this one reads
  ChunkBuffer buffer_;
  uint64_t scanned_ = 0;   // before this position the buffer holds no terminator
  bool skipping_ = false;  // still looking for the first record that begins in the range
  bool ended_ = false;     // the source has no more bytes
  bool done_ = true;       // everything was handed out
};

}  // namespace millrace

#endif  // MILLRACE_STORAGE_RECORD_READER_H_
