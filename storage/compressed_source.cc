#include "storage/compressed_source.h"

#define ZSTD_STATIC_LINKING_ONLY  // ZSTD_getFrameHeader
#include <glog/logging.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "mapreduce/strings.h"

namespace millrace {
namespace {

constexpr size_t kCompressedReadBytes = 256 << 10;

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
  uint64_t offset() const { return offset_ + next_; }  // in the file, of data()

 private:
  InputFileHandle* const file_;
  uint64_t offset_;  // of the buffer
  size_t next_ = 0;
  size_t end_ = 0;
  std::vector<char> buffer_;
};

class DecompressingSource : public ByteSource {
 public:
  DecompressingSource(InputFileHandle* file, uint64_t read_bytes)
      : file_(file), bytes_(file), read_bytes_(read_bytes) {}

  uint64_t begin() const override { return 0; }
  bool begins_with_record() const override { return file_->range().offset == 0; }
  size_t NextReadBytes() const override { return read_bytes_; }
  std::optional<uint64_t> last() const override { return last_; }

  absl::StatusOr<size_t> Read(char* buffer) override {
    size_t written = 0;
    while (written < read_bytes_) {
      MILLRACE_RETURN_IF_ERROR(bytes_.Fill());
      if (between_) BeginFrame(position_ + written);
      if (bytes_.size() == 0) {
        if (between_) break;
        return Damaged(file_->path(), bytes_.offset(), "the file ends inside compressed data");
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

  void EndFrame() { between_ = true; }
  CompressedBytes& bytes() { return bytes_; }
  const std::string& path() const { return file_->path(); }

 private:
  // At a frame, or at the end of the file. `position` is that of its content.
  void BeginFrame(uint64_t position) {
    between_ = bytes_.size() == 0;
    const bool is_next_range = bytes_.offset() >= file_->range_end();
    if (is_next_range && !between_ && !last_.has_value()) last_ = position;
  }

  InputFileHandle* const file_;
  CompressedBytes bytes_;
  const size_t read_bytes_;
  uint64_t position_ = 0;
  std::optional<uint64_t> last_;
  bool between_ = true;  // before a frame
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
                     absl::StrCat("damaged gzip data (", stream_.msg ? stream_.msg : "?", ")"));
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
  ZstdSource(InputFileHandle* file, uint64_t read_bytes)
      : DecompressingSource(file, read_bytes), stream_(ZSTD_createDStream(), ZSTD_freeDStream) {
    CHECK(stream_ != nullptr);
  }

 private:
  absl::StatusOr<size_t> Decompress(char* buffer, size_t room) override {
    ZSTD_inBuffer in{bytes().data(), bytes().size(), 0};
    ZSTD_outBuffer out{buffer, room, 0};
    const size_t result = ZSTD_decompressStream(stream_.get(), &out, &in);
    if (ZSTD_isError(result)) {
      return Damaged(path(), bytes().offset() + in.pos,
                     absl::StrCat("damaged zstd data (", ZSTD_getErrorName(result), ")"));
    }
    bytes().Consume(in.pos);
    if (result == 0) EndFrame();
    return out.pos;
  }

  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream_;
};

// Walks over the frames of a zstd file without decompressing anything.
class FrameWalk {
 public:
  FrameWalk(ReadableFile* file, const std::string& path) : file_(file), path_(path) {}

  // Returns the offset behind the frame that begins at `offset`.
  absl::StatusOr<uint64_t> EndOf(uint64_t offset) {
    char header[ZSTD_FRAMEHEADERSIZE_MAX];
    MILLRACE_ASSIGN_OR_RETURN(const size_t read, file_->Read(offset, sizeof(header), header));
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

 private:
  // RFC 8878, section 3.1.1.2: three bytes, which say last, type and size.
  absl::StatusOr<uint64_t> EndOfBlocks(uint64_t offset) {
    constexpr uint64_t kHeaderBytes = 3;
    constexpr uint32_t kRunLength = 1;  // the type of a block that is one byte, many times
    while (true) {
      unsigned char header[kHeaderBytes];
      MILLRACE_ASSIGN_OR_RETURN(const size_t read,
                                file_->Read(offset, kHeaderBytes, reinterpret_cast<char*>(header)));
      if (read < kHeaderBytes) return Damaged(path_, offset, "the file ends inside a zstd frame");
      const uint32_t bits = header[0] | header[1] << 8 | header[2] << 16;
      const bool is_last = (bits & 1) != 0;
      const uint32_t type = bits >> 1 & 3;
      offset += kHeaderBytes + (type == kRunLength ? 1 : bits >> 3);
      if (is_last) return offset;
    }
  }

  ReadableFile* const file_;
  const std::string& path_;
};

}  // namespace

std::unique_ptr<ByteSource> MakeCompressedSource(InputFileHandle* file, uint64_t read_bytes) {
  if (file->range().file.compression == Compression::kGzip) {
    return std::make_unique<GzipSource>(file, read_bytes);
  }
  CHECK(file->range().file.compression == Compression::kZstd);
  return std::make_unique<ZstdSource>(file, read_bytes);
}

Compression CompressionOf(std::string_view path) {
  if (absl::EndsWith(ToAbsl(path), ".gz")) return Compression::kGzip;
  if (absl::EndsWith(ToAbsl(path), ".zst")) return Compression::kZstd;
  return Compression::kNone;
}

absl::StatusOr<std::vector<uint64_t>> FindCuts(FileSystem& fs, const InputFile& file,
                                               uint64_t piece_bytes) {
  std::vector<uint64_t> cuts;
  if (file.compression != Compression::kZstd || file.size <= piece_bytes) return cuts;
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> opened,
                            fs.OpenForReading(file.path));
  FrameWalk walk(opened.get(), file.path);
  uint64_t last = 0;
  for (uint64_t offset = 0; offset < file.size;) {
    if (offset - last >= piece_bytes) cuts.push_back(last = offset);
    MILLRACE_ASSIGN_OR_RETURN(offset, walk.EndOf(offset));
  }
  return cuts;
}

}  // namespace millrace
