// What a run file promises: it gives back what was written, and notices any other byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "storage/memory_file_system.h"
#include "storage/run_reader.h"
#include "storage/run_writer.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

using Record = std::pair<std::string, std::string>;
using Partitions = std::vector<std::vector<Record>>;

constexpr char kPath[] = "/runs/map-0.run";

// A disk with one run on it.
class RunOnDisk {
 public:
  RunOnDisk() { EXPECT_TRUE(fs_.CreateFolders("/runs").ok()); }

  RunFooter Write(const Partitions& partitions, size_t block_bytes = kBlockTargetBytes) {
    RunWriterOptions options;
    options.maker = {/*attempt_epoch=*/7, /*attempt_sequence=*/11, /*job=*/3, /*stage=*/0,
                     /*task=*/5};
    options.partitions = static_cast<uint32_t>(partitions.size());
    options.block_bytes = block_bytes;
    auto writer = RunWriter::Create(&fs_, kPath, options);
    EXPECT_TRUE(writer.ok()) << writer.status();
    for (uint32_t p = 0; p < partitions.size(); ++p) {
      (*writer)->BeginPartition(p);
      for (const auto& [key, value] : partitions[p]) (*writer)->Add(key, value);
    }
    auto footer = (*writer)->Finish();
    EXPECT_TRUE(footer.ok()) << footer.status();
    return *footer;
  }

  // Everything that can be read from the run, in all partitions.
  absl::StatusOr<Partitions> Read() {
    auto footer = ReadRunFooter(fs_, kPath);
    if (!footer.ok()) return footer.status();
    Partitions partitions;
    for (uint32_t p = 0; p < footer->partitions.size(); ++p) {
      auto reader = RunReader::OpenInRun(&fs_, kPath, *footer, p);
      if (!reader.ok()) return reader.status();
      auto records = ReadAll(**reader);
      if (!records.ok()) return records.status();
      partitions.push_back(*std::move(records));
    }
    return partitions;
  }

  // What can be read from partition `index` without a look at the others.
  absl::StatusOr<std::vector<Record>> ReadOne(uint32_t index) {
    auto file = fs_.OpenForReading(kPath);
    if (!file.ok()) return file.status();
    auto run = ReadRunPartition(**file, kPath, index);
    if (!run.ok()) return run.status();
    auto reader = RunReader::OpenInFile(*std::move(file), kPath, run->partition, run->format);
    if (!reader.ok()) return reader.status();
    return ReadAll(**reader);
  }

  // The bytes of one partition as a file of their own, after `change`.
  template <typename Change>
  absl::StatusOr<std::vector<Record>> ReadFetched(const RunPartition& partition, Change change) {
    std::string bytes = Bytes().substr(partition.offset, partition.length);
    change(&bytes);
    Put("/runs/fetched", bytes);
    auto reader = RunReader::OpenFetched(&fs_, "/runs/fetched", partition, RecordFormat());
    if (!reader.ok()) return reader.status();
    return ReadAll(**reader);
  }

  std::string Bytes() {
    auto bytes = ReadFile(fs_, kPath, /*max_bytes=*/1 << 30);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    return *bytes;
  }
  void Put(const std::string& path, const std::string& bytes) {
    EXPECT_TRUE(WriteFileAtomically(fs_, path, bytes).ok());
  }
  FileSystem* fs() { return &fs_; }

 private:
  static absl::StatusOr<std::vector<Record>> ReadAll(RunReader& reader) {
    std::vector<Record> records;
    while (reader.Next()) records.emplace_back(reader.key(), reader.value());
    if (!reader.status().ok()) return reader.status();
    return records;
  }

  MemoryFileSystem fs_;
};

Partitions ThreePartitions() {
  return {{{"ant", "1"}, {"ant", "2"}, {"bee", ""}}, {}, {{"", "empty key"}, {"zebra", "9"}}};
}

TEST(RunFileTest, GivesBackWhatWasWritten) {
  RunOnDisk disk;
  disk.Write(ThreePartitions());
  auto read = disk.Read();
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, ThreePartitions());
}

TEST(RunFileTest, OnePartitionIsReadWithoutTheOthers) {
  RunOnDisk disk;
  const RunFooter footer = disk.Write(ThreePartitions());
  std::string bytes = disk.Bytes();
  // Every byte of the others: blocks and entries.
  const size_t entries = bytes.size() - kRunFooterBytes - 3 * kRunEntryBytes;
  std::fill_n(bytes.begin() + footer.partitions[2].offset, footer.partitions[2].length, 'x');
  std::fill_n(bytes.begin() + entries + kRunEntryBytes, 2 * kRunEntryBytes, 'x');
  disk.Put(kPath, bytes);
  auto read = disk.ReadOne(0);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, ThreePartitions()[0]);
  EXPECT_EQ(disk.ReadOne(1).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(disk.ReadOne(2).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(disk.Read().status().code(), absl::StatusCode::kDataLoss);
}

TEST(RunFileTest, TheCostOfOnePartitionDoesNotGrowWithTheirNumber) {
  // Counts what is read.
  class CountingFile : public ReadableFile {
   public:
    explicit CountingFile(std::unique_ptr<ReadableFile> file) : file_(std::move(file)) {}
    uint64_t size() const override { return file_->size(); }
    absl::StatusOr<size_t> Read(uint64_t offset, size_t length, char* buffer) override {
      bytes += length;
      return file_->Read(offset, length, buffer);
    }
    uint64_t bytes = 0;

   private:
    const std::unique_ptr<ReadableFile> file_;
  };
  for (const size_t count : {1, 10'000}) {
    RunOnDisk disk;
    disk.Write(Partitions(count, {{"ant", "1"}}));
    CountingFile file(*disk.fs()->OpenForReading(kPath));
    ASSERT_TRUE(ReadRunPartition(file, kPath, count - 1).ok());
    EXPECT_EQ(file.bytes, kRunMagic.size() + kRunFooterBytes + kRunEntryBytes);
  }
}

TEST(RunFileTest, EntriesInAnotherOrderAreNoticed) {
  RunOnDisk disk;
  disk.Write({{{"a", "1"}}, {{"b", "2"}}});
  std::string bytes = disk.Bytes();
  const auto entries = bytes.end() - kRunFooterBytes - 2 * kRunEntryBytes;
  std::swap_ranges(entries, entries + kRunEntryBytes, entries + kRunEntryBytes);
  disk.Put(kPath, bytes);
  EXPECT_EQ(disk.ReadOne(0).status().code(), absl::StatusCode::kDataLoss);
}

TEST(RunFileTest, APartitionThatIsNotThereIsNoticed) {
  RunOnDisk disk;
  disk.Write(ThreePartitions());
  const absl::Status status = disk.ReadOne(3).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("3 partitions has no partition 3"));
}

TEST(RunFileTest, FooterNamesTheMakerAndTilesTheFile) {
  RunOnDisk disk;
  const RunFooter written = disk.Write(ThreePartitions());
  auto footer = ReadRunFooter(*disk.fs(), kPath);
  ASSERT_TRUE(footer.ok()) << footer.status();
  EXPECT_EQ(footer->maker, written.maker);
  EXPECT_EQ(footer->maker.attempt_sequence, 11u);
  EXPECT_EQ(footer->partitions, written.partitions);
  EXPECT_EQ(footer->partitions[0].records, 3u);
  EXPECT_EQ(footer->partitions[1].length, 0u);
  EXPECT_EQ(footer->partitions[1].longest_block, 0u);
  EXPECT_EQ(footer->partitions[2].longest_block, footer->partitions[2].length);
  EXPECT_EQ(footer->digest, written.digest);
}

// The worked example of docs/formats.md; if this fails, the format's version has to change.
TEST(RunFileTest, TheBytesAreTheOnesInTheDocument) {
  RunOnDisk disk;
  RunWriterOptions options;
  options.maker = {/*attempt_epoch=*/1, /*attempt_sequence=*/17, /*job=*/3, /*stage=*/0,
                   /*task=*/12};
  options.format.value_kind = ValueKind::kInt64;
  options.partitions = 2;
  auto writer = RunWriter::Create(disk.fs(), kPath, options);
  ASSERT_TRUE(writer.ok());
  (*writer)->BeginPartition(1);
  (*writer)->Add("ant", 3);
  (*writer)->Add("bee", -1);
  ASSERT_TRUE((*writer)->Finish().ok());
  const std::string bytes = disk.Bytes();
  EXPECT_EQ(absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size())),
            "4d4c5252554e330a"  // magic
            "905d86fc4c402ddb"
            "0a000000"
            "02000000"  // block: checksum, size, records
            "03616e7406"
            "0362656501"  // ant 3, bee -1
            "0800000000000000"
            "0000000000000000"
            "0000000000000000"
            "0000000000000000"
            "d8984701d306aa997f498d4624c30160"
            "98fb03c00d0b853a"  // partition 0
            "0800000000000000"
            "1a00000000000000"
            "0200000000000000"
            "1a00000000000000"
            "8c44548c81d3102ac3e4d487e1f01031"
            "af2dca80c74f6d02"  // partition 1
            "03000000"
            "01000000"  // footer: version, flags
            "0100000000000000"
            "1100000000000000"  // attempt
            "0300000000000000"
            "00000000"
            "0c000000"                          // task
            "af9e0ef56f27c0993e0e03c68dbcd156"  // digest of the run
            "0200000000000000"
            "0000040000000000"
            "6abcdbac0d4fa022"
            "4d4c5252554e330a");
}

TEST(RunFileTest, IntegersKeepTheirSignAndSize) {
  RunOnDisk disk;
  const std::vector<int64_t> numbers = {0, 1, -1, 63, -64, 64, INT64_MAX, INT64_MIN};
  RunWriterOptions options;
  options.format.value_kind = ValueKind::kInt64;
  auto writer = RunWriter::Create(disk.fs(), kPath, options);
  ASSERT_TRUE(writer.ok());
  (*writer)->BeginPartition(0);
  for (const int64_t number : numbers) (*writer)->Add("key", number);
  auto footer = (*writer)->Finish();
  ASSERT_TRUE(footer.ok());
  auto reader = RunReader::OpenInRun(disk.fs(), kPath, *footer, 0);
  ASSERT_TRUE(reader.ok());
  for (const int64_t number : numbers) {
    ASSERT_TRUE((*reader)->Next());
    EXPECT_EQ((*reader)->number(), number);
  }
  EXPECT_FALSE((*reader)->Next());
  EXPECT_TRUE((*reader)->status().ok());
}

TEST(RunFileTest, GroupLengthIsKept) {
  RunOnDisk disk;
  RunWriterOptions options;
  options.format.has_group_length = true;
  auto writer = RunWriter::Create(disk.fs(), kPath, options);
  ASSERT_TRUE(writer.ok());
  (*writer)->BeginPartition(0);
  (*writer)->Add("user-1|2024", /*group_length=*/6, "login");
  auto footer = (*writer)->Finish();
  ASSERT_TRUE(footer.ok());
  auto reader = RunReader::OpenInRun(disk.fs(), kPath, *footer, 0);
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE((*reader)->Next());
  EXPECT_EQ((*reader)->key(), "user-1|2024");
  EXPECT_EQ((*reader)->group(), "user-1");
  EXPECT_EQ((*reader)->value(), "login");
}

TEST(RunFileTest, RecordsLongerThanABlockPass) {
  RunOnDisk disk;
  const Partitions partitions = {
      {{std::string(100000, 'k'), std::string(1 << 20, 'v')}, {"z", ""}}};
  disk.Write(partitions, /*block_bytes=*/1000);
  auto read = disk.Read();
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, partitions);
}

TEST(RunFileTest, TheLongestBlockIsKnownBeforeItIsRead) {
  RunOnDisk disk;
  const RunFooter footer =
      disk.Write({{{"a", ""}, {"b", std::string(5000, 'v')}, {"c", ""}}}, /*block_bytes=*/1);
  const size_t longest = kBlockHeaderBytes + 1 + 1 + 2 + 5000;  // "b" and its two lengths
  EXPECT_EQ(footer.partitions[0].longest_block, longest);
  RunPartition lying = footer.partitions[0];
  --lying.longest_block;
  auto file = disk.fs()->OpenForReading(kPath);
  auto reader = RunReader::OpenInFile(*std::move(file), kPath, lying, footer.format);
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE((*reader)->Next());
  EXPECT_FALSE((*reader)->Next());
  EXPECT_EQ((*reader)->status().code(), absl::StatusCode::kDataLoss);
}

TEST(RunFileTest, PartitionsOutOfOrderAreRefused) {
  RunOnDisk disk;
  RunWriterOptions options;
  options.partitions = 2;
  auto writer = RunWriter::Create(disk.fs(), kPath, options);
  ASSERT_TRUE(writer.ok());
  (*writer)->BeginPartition(1);
  (*writer)->Add("a", "");
  (*writer)->BeginPartition(0);
  EXPECT_EQ((*writer)->Finish().status().code(), absl::StatusCode::kInternal);
}

TEST(RunFileTest, NoSpaceIsReportedByFinish) {
  MemoryFileSystem fs(/*capacity_bytes=*/1000);
  ASSERT_TRUE(fs.CreateFolders("/runs").ok());
  auto writer = RunWriter::Create(&fs, kPath, RunWriterOptions());
  ASSERT_TRUE(writer.ok());
  (*writer)->BeginPartition(0);
  for (int i = 0; i < 1000; ++i) (*writer)->Add("key", "some value");
  EXPECT_EQ((*writer)->Finish().status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(RunFileTest, DamageNamesPathAndOffset) {
  RunOnDisk disk;
  const RunFooter footer = disk.Write(ThreePartitions());
  std::string bytes = disk.Bytes();
  bytes[footer.partitions[2].offset + 20] ^= 1;
  disk.Put(kPath, bytes);
  const absl::Status status = disk.Read().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(kPath));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(std::to_string(footer.partitions[2].offset)));
}

TEST(RunFileTest, AFlippedBitIsNoticedInEveryByte) {
  RunOnDisk disk;
  disk.Write(ThreePartitions());
  const std::string bytes = disk.Bytes();
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] ^= 1;
    disk.Put(kPath, damaged);
    EXPECT_EQ(disk.Read().status().code(), absl::StatusCode::kDataLoss) << "byte " << at;
  }
}

TEST(RunFileTest, AMissingFileIsNotFound) {
  RunOnDisk disk;
  EXPECT_EQ(ReadRunFooter(*disk.fs(), kPath).status().code(), absl::StatusCode::kNotFound);
}

TEST(RunFileTest, BlocksInAnotherOrderAreNoticed) {
  RunOnDisk disk;
  // Two blocks of equal size, each valid in itself.
  const RunFooter footer = disk.Write({{{"a", "1"}, {"b", "2"}}}, /*block_bytes=*/1);
  const auto swapped = disk.ReadFetched(footer.partitions[0], [](std::string* bytes) {
    const size_t half = bytes->size() / 2;
    *bytes = bytes->substr(half) + bytes->substr(0, half);
  });
  EXPECT_EQ(swapped.status().code(), absl::StatusCode::kDataLoss);
}

// --- Properties ---

rc::Gen<Partitions> AnyPartitions() {
  const auto record = rc::gen::pair(rc::gen::string<std::string>(), rc::gen::string<std::string>());
  return rc::gen::map(
      rc::gen::container<Partitions>(rc::gen::container<std::vector<Record>>(record)),
      [](Partitions partitions) {
        if (partitions.empty()) partitions.emplace_back();
        return partitions;
      });
}

RC_GTEST_PROP(RunFileProperty, ReadsWhatWasWrittenWhateverTheBlocks, ()) {
  const Partitions partitions = *AnyPartitions();
  RunOnDisk disk;
  disk.Write(partitions, *rc::gen::inRange<size_t>(1, 200));
  const auto read = disk.Read();
  RC_ASSERT(read.ok());
  RC_ASSERT(*read == partitions);
}

RC_GTEST_PROP(RunFileProperty, EqualRecordsHaveEqualDigestsAndOthersOthers, ()) {
  const Partitions partitions = *AnyPartitions();
  RunOnDisk a, b;
  const RunFooter footer_a = a.Write(partitions, /*block_bytes=*/50);
  RC_ASSERT(b.Write(partitions, /*block_bytes=*/50).digest == footer_a.digest);
  Partitions other = partitions;
  other[*rc::gen::inRange<size_t>(0, other.size())].emplace_back("zz", "more");
  RC_ASSERT(b.Write(other, /*block_bytes=*/50).digest != footer_a.digest);
}

// Either the damage is noticed, or it is no damage.
RC_GTEST_PROP(RunFileProperty, AnyFlippedBitIsNoticed, ()) {
  const Partitions partitions = *AnyPartitions();
  RunOnDisk disk;
  disk.Write(partitions, *rc::gen::inRange<size_t>(1, 100));
  std::string bytes = disk.Bytes();
  const size_t at = *rc::gen::inRange<size_t>(0, bytes.size());
  bytes[at] ^= static_cast<char>(1 << *rc::gen::inRange(0, 8));
  disk.Put(kPath, bytes);
  const absl::Status status = disk.Read().status();
  RC_ASSERT(!status.ok());
  RC_ASSERT(status.code() == absl::StatusCode::kDataLoss);
}

RC_GTEST_PROP(RunFileProperty, AReaderOfOnePartitionNeverGetsOtherRecords, ()) {
  const Partitions partitions = *AnyPartitions();
  RunOnDisk disk;
  disk.Write(partitions, *rc::gen::inRange<size_t>(1, 100));
  std::string bytes = disk.Bytes();
  const size_t at = *rc::gen::inRange<size_t>(0, bytes.size());
  bytes[at] ^= static_cast<char>(1 << *rc::gen::inRange(0, 8));
  disk.Put(kPath, bytes);
  bool noticed = false;
  for (uint32_t p = 0; p < partitions.size(); ++p) {
    const auto read = disk.ReadOne(p);
    if (read.ok()) RC_ASSERT(*read == partitions[p]);
    if (!read.ok()) RC_ASSERT(read.status().code() == absl::StatusCode::kDataLoss);
    noticed |= !read.ok();
  }
  RC_ASSERT(noticed);
}

RC_GTEST_PROP(RunFileProperty, AnyCutOrAppendedByteIsNoticed, ()) {
  const Partitions partitions = *AnyPartitions();
  RunOnDisk disk;
  disk.Write(partitions, *rc::gen::inRange<size_t>(1, 100));
  std::string bytes = disk.Bytes();
  if (*rc::gen::arbitrary<bool>()) {
    bytes.resize(*rc::gen::inRange<size_t>(0, bytes.size()));
  } else {
    bytes += *rc::gen::nonEmpty(rc::gen::string<std::string>());
  }
  disk.Put(kPath, bytes);
  RC_ASSERT(disk.Read().status().code() == absl::StatusCode::kDataLoss);
}

RC_GTEST_PROP(RunFileProperty, AFetchedPartitionIsCheckedLikeARun, ()) {
  const Partitions partitions = *AnyPartitions();
  RunOnDisk disk;
  const RunFooter footer = disk.Write(partitions, *rc::gen::inRange<size_t>(1, 100));
  const size_t p = *rc::gen::inRange<size_t>(0, partitions.size());
  const RunPartition& partition = footer.partitions[p];
  const auto whole = disk.ReadFetched(partition, [](std::string*) {});
  RC_ASSERT(whole.ok());
  RC_ASSERT(*whole == partitions[p]);
  RC_PRE(partition.length > 0);
  const size_t at = *rc::gen::inRange<size_t>(0, partition.length);
  const bool cut = *rc::gen::arbitrary<bool>();
  const auto damaged = disk.ReadFetched(partition, [at, cut](std::string* bytes) {
    if (cut) bytes->resize(at);
    if (!cut) (*bytes)[at] ^= 0x10;
  });
  RC_ASSERT(damaged.status().code() == absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace millrace
