// The layout of a run file, byte by byte, in one place; docs/formats.md is its prose.
//
// A run holds the intermediate records of one map attempt (or spill): for each partition a sequence
// of blocks, records in key order; then a footer that says where each partition lies. Placeholder
// for the constants: see run_writer.h and run_reader.h.
#ifndef MILLRACE_STORAGE_RUN_FORMAT_H_
#define MILLRACE_STORAGE_RUN_FORMAT_H_

#include <cstdint>
#include <vector>

#include "storage/digest.h"

namespace millrace {

// What one partition of a run holds.
struct RunPartition {
  uint64_t offset = 0;  // of its first block in the file
  uint64_t length = 0;  // bytes of its blocks, headers included
  uint64_t records = 0;
  Digest digest;  // of the logical content: equal records give equal digests
};

// What the footer says.
struct RunFooter {
  // Identity of the maker, so that a stale or swapped file is recognised: the attempt, as
  // (epoch, sequence), and the task, as (job, stage, index).
  uint64_t attempt_epoch = 0;
  uint64_t attempt_sequence = 0;
  uint64_t job = 0;
  uint32_t stage = 0;
  uint32_t task = 0;
  uint8_t value_kind = 0;  // 0: byte strings, 1: 64-bit integers
  std::vector<RunPartition> partitions;

  // Digest over all partitions: the digest of the map task's output.
  Digest digest;
};

}  // namespace millrace

#endif  // MILLRACE_STORAGE_RUN_FORMAT_H_
