#include "storage/compressed_source.h"

#define ZSTD_STATIC_LINKING_ONLY  // ZSTD_getFrameHeader
#include <glog/logging.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "mapreduce/status_macros.h"
#include "mapreduce/strings.h"

namespace millrace {
namespace {

constexpr size_t kCompressedReadBytes = 256 << 10;
constexpr char kBadFramePayload[] = "millrace/bad_frame";

absl::Status Damaged(const std::string& path, uint64_t offset, absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(
      path, ":", offset, ": ", what, "; take a good copy of the file, or leave it out of --input"));
}

// The compressed bytes, from the range's beginning to the end of the file.
class CompressedBytes {
 public:
  explicit CompressedBytes(InputFileHandle* file)
      : file_(file), offset_(file->range().offset), buffer_(kCompressedReadBytes) {}

  // Has at least one byte to look at, unless the file has ended.
  absl::Status Fill() {
    if (next_ != end_) return absl::OkStatus();
    const size_t length =
        std::min<uint64_t>(kCompressedReadBytes, file_->size() - (offset_ + end_));
    offset_ += end_;
    next_ = end_ = 0;
    MILLRACE_RETURN_IF_ERROR(file_->Read(offset_, length, buffer_.data()));
    end_ = length;
    return absl::OkStatus();
  }

  const char* data() const { return buffer_.data() + next_; }
  size_t size() const { return end_ - next_; }
  void Consume(size_t bytes) { next_ += bytes; }
  void GoTo(uint64_t offset) {
    offset_ = offset;
    next_ = end_ = 0;
  }
  uint64_t offset() const { return offset_ + next_; }  // in the file, of data()

 private:
  InputFileHandle* const file_;
  uint64_t offset_;  // of the buffer
  size_t next_ = 0;
  size_t end_ = 0;
  std::vector<char> buffer_;
};

// Walks over the frames of a zstd file without decompressing anything.
class FrameWalk {
 public:
  // Reads as ReadableFile::Read does.
  using ReadAt =
      std::function<absl::StatusOr<size_t>(uint64_t offset, size_t length, char* buffer)>;

  FrameWalk(ReadAt read, const std::string& path) : read_(std::move(read)), path_(path) {}

  // Returns the offset behind the frame that begins at `offset`.
  absl::StatusOr<uint64_t> EndOf(uint64_t offset) {
    char header[ZSTD_FRAMEHEADERSIZE_MAX];
    MILLRACE_ASSIGN_OR_RETURN(const size_t read, read_(offset, sizeof(header), header));
    ZSTD_frameHeader frame;
    const size_t problem = ZSTD_getFrameHeader(&frame, header, read);
    if (problem != 0) return Damaged(path_, offset, "no zstd frame begins here");
    if (frame.frameType == ZSTD_skippableFrame) {
      return offset + ZSTD_SKIPPABLEHEADERSIZE + frame.frameContentSize;
    }
    MILLRACE_ASSIGN_OR_RETURN(const uint64_t end, EndOfBlocks(offset + frame.headerSize));
    constexpr uint64_t kChecksumBytes = 4;
    return end + (frame.checksumFlag ? kChecksumBytes : 0);
  }

  // Where the frame after the damaged one at `offset` begins in a file of `size` bytes, or `size`.
  // Its own headers tell, if they can be believed; else the next frame is looked for.
  absl::StatusOr<uint64_t> Next(uint64_t offset, uint64_t size) {
    const auto is_frame = [&](uint64_t at) {
      const absl::StatusOr<uint64_t> end = EndOf(at);
      return end.ok() && *end <= size;
    };
    const absl::StatusOr<uint64_t> end = EndOf(offset);
    if (end.ok() && (*end == size || (*end < size && is_frame(*end)))) return *end;
    for (uint64_t at = offset + 1; at < size; ++at) {
      MILLRACE_ASSIGN_OR_RETURN(at, FindMagic(at, size));
      if (at < size && is_frame(at)) return at;
    }
    return size;
  }

 private:
  // The first place from `at` on where a frame may begin, or `size`.
  absl::StatusOr<uint64_t> FindMagic(uint64_t at, uint64_t size) {
    constexpr std::string_view kMagic = "\x28\xB5\x2F\xFD";
    std::string block;
    while (at + kMagic.size() <= size) {
      block.resize(std::min<uint64_t>(kCompressedReadBytes, size - at));
      MILLRACE_ASSIGN_OR_RETURN(const size_t got, read_(at, block.size(), block.data()));
      if (got < kMagic.size()) break;
      const size_t found = std::string_view(block.data(), got).find(kMagic);
      if (found != std::string_view::npos) return at + found;
      at += got - (kMagic.size() - 1);  // it may lie on the border
    }
    return size;
  }

  // RFC 8878, section 3.1.1.2: three bytes, which say last, type and size.
  absl::StatusOr<uint64_t> EndOfBlocks(uint64_t offset) {
    constexpr uint64_t kHeaderBytes = 3;
    constexpr uint32_t kRunLength = 1;  // the type of a block that is one byte, many times
    while (true) {
      unsigned char header[kHeaderBytes];
      MILLRACE_ASSIGN_OR_RETURN(const size_t read,
                                read_(offset, kHeaderBytes, reinterpret_cast<char*>(header)));
      if (read < kHeaderBytes) return Damaged(path_, offset, "the file ends inside a zstd frame");
      const uint32_t bits = header[0] | header[1] << 8 | header[2] << 16;
      const bool is_last = (bits & 1) != 0;
      const uint32_t type = bits >> 1 & 3;
      offset += kHeaderBytes + (type == kRunLength ? 1 : bits >> 3);
      if (is_last) return offset;
    }
  }

  const ReadAt read_;
  const std::string& path_;
};

class DecompressingSource : public ByteSource {
 public:
  DecompressingSource(InputFileHandle* file, uint64_t read_bytes)
      : file_(file), bytes_(file), read_bytes_(read_bytes) {}

  uint64_t begin() const override { return 0; }
  bool begins_with_record() const override { return file_->range().offset == 0; }
  size_t NextReadBytes() const override { return read_bytes_; }
  std::optional<uint64_t> last() const override { return last_; }

  bool gap() const override { return gap_; }

  absl::StatusOr<size_t> Read(char* buffer) override {
    size_t written = 0;
    gap_ = false;
    while (written < read_bytes_) {
      MILLRACE_RETURN_IF_ERROR(bytes_.Fill());
      if (between_) {
        NoteNextRange(position_ + written);
        if (const uint64_t bytes = BytesToStepOver(); bytes > 0) {
          if (written > 0) break;  // what lies before the gap
          bytes_.GoTo(bytes_.offset() + bytes);
          gap_ = true;
          continue;
        }
        BeginFrame();
      }
      if (bytes_.size() == 0) {
        if (between_) break;
        return InFrame(
            Damaged(file_->path(), bytes_.offset(), "the file ends inside compressed data"));
      }
      MILLRACE_ASSIGN_OR_RETURN(const size_t more,
                                Decompress(buffer + written, read_bytes_ - written));
      written += more;
    }
    position_ += written;
    return written;
  }

 protected:
  // Decompresses some of bytes() into `buffer`; returns how much it wrote.
  virtual absl::StatusOr<size_t> Decompress(char* buffer, size_t room) = 0;
  // The length of the frame that begins here, if it is to be left out; else 0.
  virtual uint64_t BytesToStepOver() const { return 0; }
  // `damaged`, and of which frame it tells.
  virtual absl::Status InFrame(absl::Status damaged) { return damaged; }

  void EndFrame() { between_ = true; }
  CompressedBytes& bytes() { return bytes_; }
  const CompressedBytes& bytes() const { return bytes_; }
  InputFileHandle* file() const { return file_; }
  const std::string& path() const { return file_->path(); }
  uint64_t frame_offset() const { return frame_offset_; }  // in the file

 private:
  // At a frame, or at the end of the file. `position` is that of its content.
  void NoteNextRange(uint64_t position) {
    const bool is_next_range = bytes_.offset() >= file_->range_end();
    if (is_next_range && bytes_.size() > 0 && !last_.has_value()) last_ = position;
  }

  void BeginFrame() {
    between_ = bytes_.size() == 0;
    frame_offset_ = bytes_.offset();
  }

  InputFileHandle* const file_;
  CompressedBytes bytes_;
  const size_t read_bytes_;
  uint64_t position_ = 0;
  std::optional<uint64_t> last_;
  bool between_ = true;  // before a frame
  uint64_t frame_offset_ = 0;
  bool gap_ = false;
};

class GzipSource : public DecompressingSource {
 public:
  GzipSource(InputFileHandle* file, uint64_t read_bytes) : DecompressingSource(file, read_bytes) {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    CHECK_EQ(inflateInit2(&stream_, kGzipOnly), Z_OK);
  }
  ~GzipSource() override { inflateEnd(&stream_); }

 private:
  absl::StatusOr<size_t> Decompress(char* buffer, size_t room) override {
    const char* const data = bytes().data();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data));
    stream_.avail_in = static_cast<uInt>(bytes().size());
    stream_.next_out = reinterpret_cast<Bytef*>(buffer);
    stream_.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    const size_t read = bytes().size() - stream_.avail_in;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return Damaged(path(), bytes().offset() + read,
                     absl::StrCat("damaged gzip data (", stream_.msg ? stream_.msg : "?",
                                  "), behind which nothing can be read"));
    }
    bytes().Consume(read);
    if (result == Z_STREAM_END) {
      CHECK_EQ(inflateReset(&stream_), Z_OK);
      EndFrame();
    }
    return room - stream_.avail_out;
  }

  z_stream stream_ = {};
};

class ZstdSource : public DecompressingSource {
 public:
  // `skip`: frames to step over; null: none, whatever is damaged.
  ZstdSource(InputFileHandle* file, uint64_t read_bytes, const std::vector<InputRecord>* skip)
      : DecompressingSource(file, read_bytes),
        skip_(skip),
        stream_(ZSTD_createDStream(), ZSTD_freeDStream) {
    CHECK(stream_ != nullptr);
  }

 private:
  absl::StatusOr<size_t> Decompress(char* buffer, size_t room) override {
    ZSTD_inBuffer in{bytes().data(), bytes().size(), 0};
    ZSTD_outBuffer out{buffer, room, 0};
    const size_t result = ZSTD_decompressStream(stream_.get(), &out, &in);
    if (ZSTD_isError(result)) return ErrorOf(result, bytes().offset() + in.pos);
    bytes().Consume(in.pos);
    if (result == 0) EndFrame();
    return out.pos;
  }

  // `offset`: how far the file was read.
  absl::Status ErrorOf(size_t result, uint64_t offset) {
    if (ZSTD_getErrorCode(result) != ZSTD_error_frameParameter_windowTooLarge) {
      return InFrame(Damaged(path(), offset,
                             absl::StrCat("damaged zstd data (", ZSTD_getErrorName(result), ")")));
    }
    // It may be intact, but a flipped bit in its header says the same.
    return InFrame(absl::FailedPreconditionError(
        absl::StrCat(path(), ":", frame_offset(), ": this zstd frame needs a window of more than ",
                     "128 MiB, too much for a task; compress the file without --long")));
  }

  // What is known of a frame that was damaged when an attempt read it is true of every later one.
  uint64_t BytesToStepOver() const override {
    if (skip_ == nullptr || bytes().size() == 0) return 0;
    const auto bad = std::find_if(skip_->begin(), skip_->end(), [this](const InputRecord& record) {
      return record.offset == bytes().offset() && record.file == path();
    });
    if (bad == skip_->end()) return 0;
    // A record of the content may lie at the same offset of that. Its length differs.
    const absl::StatusOr<uint64_t> next = NextFrame(bad->offset);
    return next.ok() && *next - bad->offset == bad->bytes ? bad->bytes : 0;
  }

  absl::Status InFrame(absl::Status damaged) override {
    if (skip_ == nullptr) return damaged;
    const absl::StatusOr<uint64_t> next = NextFrame(frame_offset());
    if (!next.ok()) return damaged;
    const std::string frame =
        absl::StrCat(frame_offset(), " ", *next - frame_offset(), " ", path());
    damaged.SetPayload(kBadFramePayload, absl::Cord(frame));
    return damaged;
  }

  // Where the frame after the one at `offset` begins, or the file ends.
  absl::StatusOr<uint64_t> NextFrame(uint64_t offset) const {
    const auto read = [file = file()](uint64_t at, size_t length,
                                      char* buffer) -> absl::StatusOr<size_t> {
      length = std::min<uint64_t>(length, file->size() - std::min(at, file->size()));
      MILLRACE_RETURN_IF_ERROR(file->Read(at, length, buffer));
      return length;
    };
    return FrameWalk(read, path()).Next(offset, file()->size());
  }

  const std::vector<InputRecord>* const skip_;
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream_;
};

}  // namespace

std::unique_ptr<ByteSource> MakeCompressedSource(InputFileHandle* file, uint64_t read_bytes) {
  if (file->range().file.compression == Compression::kGzip) {
    return std::make_unique<GzipSource>(file, read_bytes);
  }
  CHECK(file->range().file.compression == Compression::kZstd);
  return std::make_unique<ZstdSource>(file, read_bytes, nullptr);
}

std::unique_ptr<ByteSource> MakeSteppingSource(InputFileHandle* file, uint64_t read_bytes,
                                               const std::vector<InputRecord>& skip) {
  if (file->range().file.compression != Compression::kZstd) {
    return MakeCompressedSource(file, read_bytes);
  }
  return std::make_unique<ZstdSource>(file, read_bytes, &skip);
}

std::optional<InputRecord> BadFrameOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kBadFramePayload);
  if (!payload.has_value()) return std::nullopt;
  const std::string text(*payload);
  const std::vector<std::string> fields = absl::StrSplit(text, absl::MaxSplits(' ', 2));
  InputRecord frame;
  if (fields.size() != 3 || !absl::SimpleAtoi(fields[0], &frame.offset) ||
      !absl::SimpleAtoi(fields[1], &frame.bytes)) {
    return std::nullopt;
  }
  frame.file = fields[2];
  return frame;
}

Compression CompressionOf(std::string_view path) {
  if (absl::EndsWith(ToAbsl(path), ".gz")) return Compression::kGzip;
  if (absl::EndsWith(ToAbsl(path), ".zst")) return Compression::kZstd;
  return Compression::kNone;
}

absl::StatusOr<std::vector<uint64_t>> FindCuts(FileSystem& fs, const InputFile& file,
                                               uint64_t piece_bytes, OnDamage on_damage) {
  std::vector<uint64_t> cuts;
  if (file.compression != Compression::kZstd || file.size <= piece_bytes) return cuts;
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> opened,
                            fs.OpenForReading(file.path));
  FrameWalk walk([&opened](uint64_t offset, size_t length,
                           char* buffer) { return opened->Read(offset, length, buffer); },
                 file.path);
  uint64_t last = 0;
  for (uint64_t offset = 0; offset < file.size;) {
    const absl::StatusOr<uint64_t> end = walk.EndOf(offset);
    if (!end.ok()) {
      if (on_damage == OnDamage::kStop && absl::IsFailedPrecondition(end.status())) break;
      return end.status();
    }
    if (offset - last >= piece_bytes) cuts.push_back(last = offset);
    offset = *end;
  }
  return cuts;
}

}  // namespace millrace
