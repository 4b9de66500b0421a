// Where the parts of a job with a total order begin.
#include "client/key_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <memory>
#include <stdexcept>
#include <utility>

#include "storage/memory_file_system.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LineMapper : public Mapper {
 public:
  void Map(const MapInput& input) override {
    input.ForEachRecord([this](std::string_view record) {
      if (record == "bad") Fail("a bad line");
      if (record == "worse") throw std::runtime_error("a worse line");
      Emit(record, record);
    });
  }
};

std::string Zstd(const std::string& content) {
  std::string packed(ZSTD_compressBound(content.size()), '\0');
  packed.resize(ZSTD_compress(&packed[0], packed.size(), content.data(), content.size(), 1));
  return packed;
}

class KeySampleTest : public testing::Test {
 protected:
  KeySampleTest() {
    job_.mapper = [] { return std::make_unique<LineMapper>(); };
  }

  void Write(const std::string& path, const std::string& content) {
    EXPECT_TRUE(WriteFileAtomically(fs_, path, content).ok());
    const FileInfo info = fs_.Stat(path).value();
    files_.push_back(InputFile{path, info.size, info.mtime_ns});
  }

  // A file of these frames that may be cut between any two.
  void WriteZstd(const std::string& path, const std::vector<std::string>& frames) {
    std::string packed;
    std::vector<uint64_t> cuts;
    for (const std::string& frame : frames) {
      if (!packed.empty()) cuts.push_back(packed.size());
      packed += Zstd(frame);
    }
    Write(path, packed);
    files_.back().compression = Compression::kZstd;
    files_.back().cuts = std::move(cuts);
  }

  absl::StatusOr<std::vector<std::string>> Take() {
    return SampleKeys(fs_, job_, files_, skips_bad_records_);
  }
  std::vector<std::string> Sample() { return Take().value(); }
  std::string Problem() { return std::string(Take().status().message()); }

  bool skips_bad_records_ = false;
  MemoryFileSystem fs_;
  JobDescription job_;
  std::vector<InputFile> files_;
};

TEST_F(KeySampleTest, ASmallInputIsTakenAsAWholeInOrder) {
  Write("/a", "dog\nant\n");
  Write("/b", "cat\n");
  EXPECT_THAT(Sample(), ElementsAre("ant", "cat", "dog"));
}

TEST_F(KeySampleTest, NoInputGivesNoKeys) {
  EXPECT_THAT(Sample(), IsEmpty());
  Write("/a", "");
  EXPECT_THAT(Sample(), IsEmpty());
}

TEST_F(KeySampleTest, ALargeInputIsSampledAllOver) {
  std::string content;
  for (int i = 100'000; i < 1'000'000; ++i) content += std::to_string(i) + "\n";
  Write("/a", content.substr(0, content.size() / 2));
  Write("/b", content.substr(content.size() / 2));
  const std::vector<std::string> sample = Sample();
  EXPECT_THAT(sample, SizeIs(Gt(5'000u)));
  EXPECT_THAT(sample, SizeIs(testing::Le(10'000u)));
  const std::vector<std::string> keys = SplitKeysFor(9, sample);
  ASSERT_THAT(keys, SizeIs(8));
  for (int part = 1; part < 9; ++part) {
    EXPECT_NEAR(std::stoi(keys[part - 1]), 100'000 + 100'000 * part, 20'000);
  }
}

// 80,000 lines in ascending order that compress badly, each with its number in front.
std::vector<std::string> NoisyLines() {
  std::vector<std::string> lines;
  uint64_t noise = 1;
  for (int i = 100'000; i < 180'000; ++i) {
    std::string line = std::to_string(i);
    while (line.size() < 120) {
      noise = noise * 6364136223846793005 + 1442695040888963407;
      const char byte = static_cast<char>(noise >> 56);
      line += byte == '\n' ? ' ' : byte;
    }
    lines.push_back(line + "\n");
  }
  return lines;
}

int NumberOf(const std::string& key) { return std::stoi(key.substr(0, 6)); }

TEST_F(KeySampleTest, ALargeCompressedFileIsSampledBetweenAllItsCuts) {
  const std::vector<std::string> lines = NoisyLines();
  std::vector<std::string> frames(100);
  for (size_t i = 0; i < lines.size(); ++i) frames[i / 800] += lines[i];
  WriteZstd("/a.zst", frames);
  ASSERT_THAT(files_[0].size, Gt(8u << 20)) << "too large to be looked at as a whole";
  ASSERT_THAT(files_[0].cuts, SizeIs(99));
  const std::vector<std::string> keys = SplitKeysFor(4, Sample());
  ASSERT_THAT(keys, SizeIs(3));
  for (int part = 1; part < 4; ++part) {
    EXPECT_NEAR(NumberOf(keys[part - 1]), 100'000 + 20'000 * part, 2'000);
  }
}

TEST_F(KeySampleTest, WhatIsCompressedAsOnePieceIsReadOn) {
  std::string content;
  for (int i = 100'000; i < 200'000; ++i) content += std::to_string(i) + "\n";
  WriteZstd("/a.zst", {content});
  EXPECT_NEAR(NumberOf(SplitKeysFor(2, Sample())[0]), 150'000, 5'000);
}

TEST_F(KeySampleTest, WhatTheMapperFailsWithIsSaidWithThePlace) {
  Write("/a", "ant\nbad\n");
  EXPECT_THAT(Problem(), HasSubstr("cannot take a sample of the keys: /a:0: a bad line"));
  files_.clear();
  Write("/b", "worse\n");
  EXPECT_THAT(Problem(), HasSubstr("/b:0: the mapper threw an exception: a worse line"));
}

// A job may be told to leave such records out; the sample knows enough without them.
TEST_F(KeySampleTest, WhatFailsBehindTheBeginningOfAPieceIsLeftToTheJob) {
  std::string content;
  for (int i = 100'000; i < 200'000; ++i) content += std::to_string(i) + "\n";
  WriteZstd("/a.zst", {content + "bad\n"});
  EXPECT_THAT(Sample(), SizeIs(Gt(5'000u)));
  files_.clear();
  WriteZstd("/b.zst", {content + "worse\n"});
  EXPECT_THAT(Sample(), SizeIs(Gt(5'000u)));
}

TEST_F(KeySampleTest, AJobThatSkipsBadRecordsGetsItsSampleFromTheOtherPieces) {
  skips_bad_records_ = true;
  Write("/a", "ant\nbad\n");
  Write("/b", "worse\n");
  Write("/c.zst", "no zstd");
  files_.back().compression = Compression::kZstd;
  Write("/d", "dog\ncat\n");
  const std::vector<std::string> sample = Sample();
  EXPECT_THAT(sample, testing::IsSupersetOf({"cat", "dog"}));
}

TEST(SplitKeysTest, CutTheSampleIntoEqualPieces) {
  EXPECT_THAT(SplitKeysFor(3, {"a", "b", "c", "d", "e", "f"}), ElementsAre("c", "e"));
  EXPECT_THAT(SplitKeysFor(1, {"a", "b"}), IsEmpty());
  EXPECT_THAT(SplitKeysFor(0, {"a", "b"}), IsEmpty());
}

TEST(SplitKeysTest, AreAsManyAsThePartsNeedEvenIfTheyAreEqual) {
  EXPECT_THAT(SplitKeysFor(4, {"a"}), ElementsAre("a", "a", "a"));
  EXPECT_THAT(SplitKeysFor(3, {}), ElementsAre("", ""));
}

}  // namespace
}  // namespace millrace
