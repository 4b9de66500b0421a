#include "worker/engine/part_file.h"

#include <glog/logging.h>
#include <zstd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/atomic_file.h"

namespace millrace {
namespace {

class PlainPartFile : public PartFile {
 public:
  explicit PlainPartFile(std::unique_ptr<AtomicFile> file) : file_(std::move(file)) {}

  absl::Status Append(std::string_view bytes) override {
    stream_.Update(bytes);
    return file_->Append(bytes);
  }
  absl::Status Finish() override {
    digest_ = stream_.Finish();
    return file_->Commit(AtomicFile::kDurable);
  }
  uint64_t bytes() const override { return file_->size(); }
  const Digest& digest() const override { return digest_; }

 private:
  const std::unique_ptr<AtomicFile> file_;
  DigestStream stream_;
  Digest digest_;
};

// Large enough to compress well, small enough that a part can be read by many.
constexpr size_t kFrameBytes = 4 << 20;

class ZstdPartFile : public PartFile {
 public:
  explicit ZstdPartFile(std::unique_ptr<AtomicFile> file)
      : file_(std::move(file)),
        stream_(ZSTD_createCCtx(), ZSTD_freeCCtx),
        buffer_(ZSTD_CStreamOutSize()) {
    CHECK(stream_ != nullptr);
    ZSTD_CCtx_setParameter(stream_.get(), ZSTD_c_checksumFlag, 1);
  }

  absl::Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, kFrameBytes - in_frame_);
      in_frame_ += piece.size();
      const bool ends = in_frame_ == kFrameBytes;
      MILLRACE_RETURN_IF_ERROR(Compress(piece, ends ? ZSTD_e_end : ZSTD_e_continue));
      if (ends) in_frame_ = 0;
      bytes.remove_prefix(piece.size());
    }
    return absl::OkStatus();
  }

  // An empty part is one frame with nothing in it: an empty file would be no zstd file.
  absl::Status Finish() override {
    const bool has_open_frame = in_frame_ > 0 || file_.bytes() == 0;
    if (has_open_frame) MILLRACE_RETURN_IF_ERROR(Compress("", ZSTD_e_end));
    return file_.Finish();
  }
  uint64_t bytes() const override { return file_.bytes(); }
  const Digest& digest() const override { return file_.digest(); }

 private:
  absl::Status Compress(std::string_view bytes, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    while (true) {
      ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
      const size_t left = ZSTD_compressStream2(stream_.get(), &out, &in, directive);
      if (ZSTD_isError(left)) {
        return absl::InternalError(absl::StrCat("zstd: ", ZSTD_getErrorName(left)));
      }
      if (out.pos > 0) {
        MILLRACE_RETURN_IF_ERROR(file_.Append(std::string_view(buffer_.data(), out.pos)));
      }
      const bool finished = directive == ZSTD_e_end ? left == 0 : in.pos == in.size;
      if (finished) return absl::OkStatus();
    }
  }

  PlainPartFile file_;
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> stream_;
  std::vector<char> buffer_;
  size_t in_frame_ = 0;  // bytes that went into the current frame
};

}  // namespace

absl::StatusOr<std::unique_ptr<PartFile>> PartFile::Create(FileSystem* fs, const std::string& path,
                                                           bool zstd) {
  MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<AtomicFile> file, AtomicFile::Create(*fs, path));
  if (zstd) return std::make_unique<ZstdPartFile>(std::move(file));
  return std::make_unique<PlainPartFile>(std::move(file));
}

}  // namespace millrace
