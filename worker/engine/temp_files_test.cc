#include "worker/engine/temp_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/memory_file_system.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TempFilesTest : public ::testing::Test {
 protected:
  TempFilesTest() { EXPECT_TRUE(fs_.CreateFolders("/temp").ok()); }

  void Make(const std::string& path) { EXPECT_TRUE(WriteFileAtomically(fs_, path, "x").ok()); }

  MemoryFileSystem fs_;
};

TEST_F(TempFilesTest, NamesFilesOneByOne) {
  TempFiles files(&fs_, "/temp");
  EXPECT_EQ(files.NewPath("spill"), "/temp/spill-0000");
  EXPECT_EQ(files.NewPath("merged"), "/temp/merged-0001");
  EXPECT_EQ(files.count(), 2u);
}

TEST_F(TempFilesTest, TakesItsOwnFilesAlongAndNoOthers) {
  Make("/temp/fetched-0");
  {
    TempFiles files(&fs_, "/temp");
    Make(files.NewPath("spill"));
    Make(files.NewPath("spill"));
    files.NewPath("never made");
  }
  EXPECT_THAT(*fs_.List("/temp"), ElementsAre("fetched-0"));
}

TEST_F(TempFilesTest, AFileCanGoEarlyAndItsNameIsNotUsedAgain) {
  TempFiles files(&fs_, "/temp");
  const std::string spill = files.NewPath("spill");
  Make(spill);
  files.Remove(spill);
  EXPECT_THAT(*fs_.List("/temp"), IsEmpty());
  EXPECT_EQ(files.NewPath("spill"), "/temp/spill-0001");
  EXPECT_EQ(files.count(), 2u);
}

TEST_F(TempFilesTest, WhatWasRemovedEarlyIsNobodysBusinessAnyMore) {
  {
    TempFiles files(&fs_, "/temp");
    const std::string spill = files.NewPath("spill");
    files.Remove(spill);
    Make(spill);  // another's
  }
  EXPECT_THAT(*fs_.List("/temp"), ElementsAre("spill-0000"));
}

}  // namespace
}  // namespace millrace
