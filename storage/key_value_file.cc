#include "storage/key_value_file.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "mapreduce/key_value.h"
#include "mapreduce/record_shape.h"
#include "mapreduce/status_macros.h"

namespace millrace {
namespace {

// Over the header's fields and the payload, which lie in different places.
uint64_t ChecksumOf(uint32_t size, uint32_t records, std::string_view payload) {
  const uint32_t fields[2] = {size, records};
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, fields, sizeof(fields));
  XXH3_64bits_update(&state, payload.data(), payload.size());
  return XXH3_64bits_digest(&state);
}

}  // namespace

std::string KeyValueBlockHeader(std::string_view payload, uint32_t records) {
  const uint32_t size = static_cast<uint32_t>(payload.size());
  const uint64_t checksum = ChecksumOf(size, records, payload);
  std::string header(kKeyValueBlockHeaderBytes, '\0');
  std::memcpy(&header[0], &checksum, sizeof(checksum));
  std::memcpy(&header[8], &size, sizeof(size));
  std::memcpy(&header[12], &records, sizeof(records));
  return header;
}

absl::Status KeyValueReader::Open() {
  char magic[8] = {};
  static_assert(sizeof(magic) == kKeyValueMagic.size());
  if (file_->size() >= sizeof(magic)) {
    MILLRACE_RETURN_IF_ERROR(file_->Read(0, sizeof(magic), magic));
  }
  if (std::string_view(magic, sizeof(magic)) != kKeyValueMagic) {
    return absl::FailedPreconditionError(
        absl::StrCat(file_->path(),
                     ": no key/value file; --input_format=key_value reads what "
                     "--output_format=key_value has written"));
  }
  next_ = sizeof(magic);
  while (next_ < file_->range().offset) {
    MILLRACE_ASSIGN_OR_RETURN(const Header header, ReadHeader(next_));
    next_ += kKeyValueBlockHeaderBytes + header.size;
  }
  return absl::OkStatus();
}

absl::StatusOr<KeyValueReader::Header> KeyValueReader::ReadHeader(uint64_t offset) {
  char bytes[kKeyValueBlockHeaderBytes];
  const uint64_t left = file_->size() - offset;
  if (left < sizeof(bytes)) return Damaged(offset, "the file ends inside a block");
  MILLRACE_RETURN_IF_ERROR(file_->Read(offset, sizeof(bytes), bytes));
  Header header;
  std::memcpy(&header.checksum, bytes, sizeof(header.checksum));
  std::memcpy(&header.size, bytes + 8, sizeof(header.size));
  std::memcpy(&header.records, bytes + 12, sizeof(header.records));
  if (header.size > left - sizeof(bytes)) return Damaged(offset, "the file ends inside a block");
  return header;
}

absl::StatusOr<bool> KeyValueReader::Next(ChunkBuffer* buffer) {
  if (next_ >= file_->range_end()) return false;
  MILLRACE_ASSIGN_OR_RETURN(const Header header, ReadHeader(next_));
  const uint64_t payload_at = next_ + kKeyValueBlockHeaderBytes;
  // Its writer makes long blocks of one pair only, so this length is no length: nothing is said
  // against the memory of the job.
  if (header.size > kKeyValueBlockBytes && header.records != 1) {
    return Damaged(next_, "a block is longer than blocks of several pairs are");
  }
  if (header.size > max_payload_bytes_) {
    return absl::OutOfRangeError(absl::StrCat(file_->path(), ":", next_, ": a block of ",
                                              header.size, " bytes begins here, more than ",
                                              max_payload_bytes_));
  }
  buffer->Clear(payload_at);
  char* const room = buffer->Reserve(header.size);
  MILLRACE_RETURN_IF_ERROR(file_->Read(payload_at, header.size, room));
  const std::string_view payload(room, header.size);
  if (ChecksumOf(header.size, header.records, payload) != header.checksum) {
    return Damaged(next_, "a block's checksum does not fit its bytes");
  }
  buffer->Grow(header.size);
  KeyValueWalk walk(payload);
  uint32_t records = 0;
  while (walk.Next()) ++records;
  if (walk.rest() != 0 || records != header.records || records == 0) {
    return Damaged(next_, "a block does not hold the pairs that its header says");
  }
  next_ = payload_at + header.size;
  return true;
}

absl::Status KeyValueReader::Damaged(uint64_t offset, const std::string& what) const {
  return absl::FailedPreconditionError(
      absl::StrCat(file_->path(), ":", offset, ": damaged key/value file: ", what,
                   "; take a good copy of it, or leave it out of --input"));
}

}  // namespace millrace
