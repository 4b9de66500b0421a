// Chooses the output part of a key.
//
//   class ByFirstByte : public millrace::Partitioner {
//    public:
//     uint32_t Partition(std::string_view key, uint32_t parts) const override {
//       return key.empty() ? 0 : static_cast<uint8_t>(key[0]) * parts / 256;
//     }
//   };
#ifndef MILLRACE_MAPREDUCE_PARTITIONER_H_
#define MILLRACE_MAPREDUCE_PARTITIONER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

class Partitioner {
 public:
  virtual ~Partitioner() = default;

  // Returns a number in [0, parts). Must depend on nothing but its arguments: a map that runs again
  // has to send every key to the same part. A result out of range fails the attempt.
  virtual uint32_t Partition(std::string_view key, uint32_t parts) const = 0;
};

// The default: a fixed hash of the key, spread evenly over the parts. It is the one by which the
// engine finds the key in its tables, so that the keys of a part lie together there: HashShortKey
// (mapreduce/short_key.h) of at most 15 bytes, XXH3-64 with seed 0 of more. It is the same in every
// process and every release, for stored map outputs depend on it.
class HashPartitioner : public Partitioner {
 public:
  uint32_t Partition(std::string_view key, uint32_t parts) const override;
};

// Parts that follow each other in the order of keys: `split_keys`, ascending, has the keys with
// which the parts after the first begin.
class RangePartitioner : public Partitioner {
 public:
  explicit RangePartitioner(std::vector<std::string> split_keys);
  // Needs `parts` to be one more than there are split keys.
  uint32_t Partition(std::string_view key, uint32_t parts) const override;

 private:
  std::vector<std::string> split_keys_;
  std::vector<uint64_t> prefixes_;  // their first 8 bytes as numbers that compare like them
};

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_PARTITIONER_H_
