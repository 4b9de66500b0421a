#include "rpc/ready_file.h"

#include <gtest/gtest.h>

#include "storage/memory_file_system.h"

namespace millrace {
namespace {

class ReadyFileTest : public testing::Test {
 protected:
  ReadyFileTest() { EXPECT_TRUE(fs_.CreateFolders("/run").ok()); }

  MemoryFileSystem fs_;
};

TEST_F(ReadyFileTest, HoldsOneLine) {
  ReadyFile ready(fs_, "/run/ready");
  EXPECT_TRUE(ready.Write("{\"pid\": 1}").ok());
  EXPECT_EQ(*ReadFile(fs_, "/run/ready", 100), "{\"pid\": 1}\n");
}

TEST_F(ReadyFileTest, ReplacesWhatAnEarlierProcessHasLeft) {
  EXPECT_TRUE(WriteFileAtomically(fs_, "/run/ready", "a longer line of long ago\n").ok());
  ReadyFile ready(fs_, "/run/ready");
  EXPECT_TRUE(ready.Write("{}").ok());
  EXPECT_EQ(*ReadFile(fs_, "/run/ready", 100), "{}\n");
}

TEST_F(ReadyFileTest, WithoutAPathThereIsNoFile) {
  ReadyFile ready(fs_, "");
  EXPECT_TRUE(ready.Write("{}").ok());
}

}  // namespace
}  // namespace millrace
