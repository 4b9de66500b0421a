// Where the parts of a job with a total order begin.
#include "client/key_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

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

  std::vector<std::string> Sample() { return SampleKeys(fs_, job_, files_).value(); }
  std::string Problem() { return std::string(SampleKeys(fs_, job_, files_).status().message()); }

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

TEST_F(KeySampleTest, CompressedFilesAreSampledFromTheirBeginning) {
  Write("/a", "ant\nbee\n");
  files_[0].cuts = {4};  // of which the sample must not make use
  EXPECT_THAT(Sample(), ElementsAre("ant", "bee"));
}

TEST_F(KeySampleTest, WhatTheMapperFailsWithIsSaidWithThePlace) {
  Write("/a", "ant\nbad\n");
  EXPECT_THAT(Problem(), HasSubstr("cannot take a sample of the keys: /a:0: a bad line"));
  files_.clear();
  Write("/b", "worse\n");
  EXPECT_THAT(Problem(), HasSubstr("/b:0: the mapper threw an exception: a worse line"));
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
