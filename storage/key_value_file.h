// Key/value files: pairs of byte strings that hold any bytes, in blocks with checksums.
//
//   file  := magic block*
//   block := checksum:8 size:4 records:4 payload       (checksum of all that follows it)
//   payload := pair*                                   (mapreduce/key_value.h)
//
// A range of such a file has the blocks that begin in it. docs/formats.md has an example.
#ifndef MILLRACE_STORAGE_KEY_VALUE_FILE_H_
#define MILLRACE_STORAGE_KEY_VALUE_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "storage/byte_source.h"
#include "storage/chunk_buffer.h"

namespace millrace {

// First bytes of the file; the digit is the format's version.
inline constexpr std::string_view kKeyValueMagic = "MLRKVS1\n";

constexpr size_t kKeyValueBlockHeaderBytes = 16;
// A writer closes a block when the next pair would make its payload longer than this; a longer
// payload is one pair alone.
constexpr size_t kKeyValueBlockBytes = 512 << 10;

// The header of a block with this payload.
std::string KeyValueBlockHeader(std::string_view payload, uint32_t records);

// Reads the blocks of one range.
class KeyValueReader {
 public:
  // Looks for the first block of the range. `file` must outlive the reader.
  KeyValueReader(InputFileHandle* file, uint64_t max_payload_bytes)
      : file_(file), max_payload_bytes_(max_payload_bytes) {}

  // kFailedPrecondition if this is no key/value file.
  absl::Status Open();

  // Puts the payload of the next block, if there is one, into the empty `buffer`; false at the end
  // of the range. kFailedPrecondition, with the offset, when the block is damaged; kOutOfRange when
  // it is longer than allowed.
  absl::StatusOr<bool> Next(ChunkBuffer* buffer);

 private:
  struct Header {
    uint64_t checksum = 0;
    uint32_t size = 0;
    uint32_t records = 0;
  };

  absl::StatusOr<Header> ReadHeader(uint64_t offset);
  absl::Status Damaged(uint64_t offset, const std::string& what) const;

  InputFileHandle* const file_;
  const uint64_t max_payload_bytes_;
  uint64_t next_ = 0;  // offset of the next block
};

}  // namespace millrace

#endif  // MILLRACE_STORAGE_KEY_VALUE_FILE_H_
