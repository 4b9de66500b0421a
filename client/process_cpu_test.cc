#include "client/process_cpu.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace millrace {
namespace {

TEST(ProcessCpuTest, OneOwnTimeGrows) {
  const uint64_t before = CpuMicrosecondsOf(getpid());
  while (CpuMicrosecondsOf(getpid()) < before + 1000) {
  }
}

TEST(ProcessCpuTest, NoProcessNoTime) {
  constexpr pid_t kBeyondAnyProcess = (1 << 22) + 1;
  EXPECT_EQ(CpuMicrosecondsOf(kBeyondAnyProcess), 0u);
}

}  // namespace
}  // namespace millrace
