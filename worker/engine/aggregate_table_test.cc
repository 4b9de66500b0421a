#include "worker/engine/aggregate_table.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "storage/memory_file_system.h"
#include "storage/run_reader.h"

namespace millrace {
namespace {

using Totals = std::map<std::string, int64_t>;

// A table that is fed one key at a time and drained to a run.
class TableOnDisk {
 public:
  TableOnDisk(Aggregate kind, uint64_t memory_bytes) : table_(kind, memory_bytes) {
    EXPECT_TRUE(fs_.CreateFolders("/runs").ok());
  }

  bool Add(const std::string& key, int64_t value) {
    if (key.size() <= kShortKeyBytes) {
      const ShortKey packed = PackShortKey(key);
      const ShortPair pair = {packed, HashShortKey(packed), value};
      return table_.AddShort(&pair, 1);
    }
    const LongPair pair = {key.data(), key.size(), HashBytes(key), value};
    return table_.AddLong(&pair, 1);
  }

  // Drains and clears; also checks that each partition is sorted, and holds what it should.
  Totals Drain(uint32_t partitions, const Partitioner* partitioner = nullptr) {
    const HashPartitioner by_hash;
    RunWriterOptions options;
    options.partitions = partitions;
    options.format.value_kind = ValueKind::kInt64;
    auto writer = RunWriter::Create(&fs_, "/runs/run", options);
    EXPECT_TRUE(writer.ok());
    EXPECT_TRUE(table_.DrainTo({partitioner, partitions, writer->get()}).ok());
    table_.Clear();
    auto footer = (*writer)->Finish();
    EXPECT_TRUE(footer.ok()) << footer.status();
    Totals totals;
    for (uint32_t p = 0; p < partitions; ++p) {
      auto reader = RunReader::OpenInRun(&fs_, "/runs/run", *footer, p);
      EXPECT_TRUE(reader.ok());
      std::string last;
      for (bool first = true; (*reader)->Next(); first = false) {
        const std::string key((*reader)->key());
        EXPECT_TRUE(first || last < key) << last << " before " << key;
        const Partitioner& chooser = partitioner != nullptr ? *partitioner : by_hash;
        EXPECT_EQ(chooser.Partition(key, partitions), p);
        totals[key] = (*reader)->number();
        last = key;
      }
    }
    return totals;
  }

  AggregateTable& table() { return table_; }

 private:
  MemoryFileSystem fs_;
  AggregateTable table_;
};

TEST(AggregateTableTest, FoldsKeysOnBothSidesOfFifteenBytes) {
  TableOnDisk disk(Aggregate::kSum, 64 << 20);
  const std::string short_key(15, 'k');
  const std::string long_key(16, 'k');
  for (const std::string& key : {short_key, long_key, std::string(), short_key, long_key}) {
    EXPECT_TRUE(disk.Add(key, 2));
  }
  EXPECT_EQ(disk.Drain(3), (Totals{{"", 2}, {short_key, 4}, {long_key, 4}}));
}

TEST(AggregateTableTest, SumsWrapAround) {
  TableOnDisk disk(Aggregate::kSum, 64 << 20);
  disk.Add("k", INT64_MAX);
  disk.Add("k", 1);
  EXPECT_EQ(disk.Drain(1), (Totals{{"k", INT64_MIN}}));
}

TEST(AggregateTableTest, GrowsAndKeepsEveryKey) {
  TableOnDisk disk(Aggregate::kCount, 512 << 20);
  Totals expected;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 50000; ++i) {
      const std::string key = (i % 3 == 0 ? "a rather long key, number " : "k") + std::to_string(i);
      EXPECT_TRUE(disk.Add(key, 100));
      ++expected[key];
    }
  }
  EXPECT_EQ(disk.table().distinct_keys(), 50000u);
  EXPECT_EQ(disk.Drain(7), expected);
}

TEST(AggregateTableTest, SaysNoBeforeItPassesItsLimit) {
  constexpr uint64_t kLimit = 8 << 20;
  TableOnDisk disk(Aggregate::kSum, kLimit);
  int added = 0;
  while (disk.Add("key number " + std::to_string(added * 7919), 1)) {
    ASSERT_LE(disk.table().memory_bytes(), kLimit);
    ++added;
  }
  EXPECT_GT(added, 20000);
  EXPECT_EQ(disk.Drain(2).size(), static_cast<size_t>(added));
  // Sort buffers count as well; they stay for the next task.
  EXPECT_LE(disk.table().memory_bytes(), kLimit + kLimit / 8);
}

TEST(AggregateTableTest, IsEmptyAfterClear) {
  TableOnDisk disk(Aggregate::kMin, 64 << 20);
  disk.Add("short", 1);
  disk.Add("a key of more than fifteen bytes", 1);
  disk.Drain(1);
  EXPECT_TRUE(disk.table().empty());
  disk.Add("short", 5);
  EXPECT_EQ(disk.Drain(1), (Totals{{"short", 5}}));
}

TEST(AggregateTableTest, AsksTheJobsPartitioner) {
  class ByFirstByte : public Partitioner {
   public:
    uint32_t Partition(std::string_view key, uint32_t parts) const override {
      return key.empty() ? 0 : static_cast<unsigned char>(key[0]) * parts / 256;
    }
  };
  TableOnDisk disk(Aggregate::kSum, 64 << 20);
  Totals expected;
  for (int i = 0; i < 256; ++i) {
    const std::string key(i % 20, static_cast<char>(i));
    disk.Add(key, 1);
    ++expected[key];
  }
  const ByFirstByte partitioner;
  EXPECT_EQ(disk.Drain(4, &partitioner), expected);
}

}  // namespace
}  // namespace millrace
