#include "mapreduce/partitioner.h"

#include "mapreduce/emitter.h"

namespace millrace {

uint32_t HashPartitioner::Partition(std::string_view key, uint32_t parts) const {
  // hash / 2^64 is a fraction of 1; its share of `parts` is the number of the part.
  return static_cast<uint32_t>(static_cast<unsigned __int128>(HashBytes(key)) * parts >> 64);
}

}  // namespace millrace
