#include "rpc/data_bytes.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "rpc/call.capnp.h"

namespace millrace {
namespace {

std::string ThereAndBack(std::string_view bytes) {
  capnp::MallocMessageBuilder message;
  auto outcome = message.initRoot<capnp_call::CallOutcome>();
  outcome.setReply(ToData(bytes));
  return std::string(ToBytes(outcome.asReader().getReply()));
}

TEST(DataBytesTest, BytesOfAnyKindGoThereAndBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(ThereAndBack(all), all);
  EXPECT_EQ(ThereAndBack("no NUL at the end").size(), 17u);
}

TEST(DataBytesTest, NoBytesAreNoBytes) {
  EXPECT_EQ(ThereAndBack(""), "");
  EXPECT_EQ(ThereAndBack(std::string_view()), "");
}

TEST(DataBytesTest, NothingIsCopied) {
  const std::string bytes = "bytes";
  EXPECT_EQ(ToBytes(ToData(bytes)).data(), bytes.data());
}

}  // namespace
}  // namespace millrace
