// What a compressed input file decompresses to, as far as one range of it is concerned.
//
// gzip (RFC 1952): any number of members; a file cannot be cut, so its range covers all of it.
// zstd (RFC 8878): any number of frames; a range begins and ends where frames begin.
#ifndef MILLRACE_STORAGE_COMPRESSED_SOURCE_H_
#define MILLRACE_STORAGE_COMPRESSED_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/byte_source.h"

namespace millrace {

// Positions count from the beginning of the range. What is damaged or cut short is
// kFailedPrecondition, with the offset in the compressed file. `file` must outlive the source; its
// compression is not kNone.
std::unique_ptr<ByteSource> MakeCompressedSource(InputFileHandle* file, uint64_t read_bytes);

// The same of a zstd file, but the frames among `skip` (offset and length in the compressed file;
// those of other files do not matter) are stepped over, and an error that one more is damaged names
// it, for BadFrameOf. `skip` must outlive the source.
std::unique_ptr<ByteSource> MakeSteppingSource(InputFileHandle* file, uint64_t read_bytes,
                                               const std::vector<InputRecord>& skip);

// The damaged frame of which `status` tells, if it can be stepped over.
std::optional<InputRecord> BadFrameOf(const absl::Status& status);

// By the name: ".gz" and ".zst" say that a file is compressed.
Compression CompressionOf(std::string_view path);

// What FindCuts does where no frame begins although one should. To stop is for jobs that step over
// damaged frames: what lies behind is part of the last piece, whose reader finds out whether the
// header is damaged or the frame before it, and where the next frame begins.
enum class OnDamage : uint8_t { kRefuse, kStop };

// Where `file` can be cut into pieces of at least `piece_bytes`: at beginnings of frames, found by
// walking over the headers of frames and blocks. None for gzip. kFailedPrecondition for damage that
// is refused, with its offset: the file may not be what its name says.
absl::StatusOr<std::vector<uint64_t>> FindCuts(FileSystem& fs, const InputFile& file,
                                               uint64_t piece_bytes, OnDamage on_damage);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_COMPRESSED_SOURCE_H_
