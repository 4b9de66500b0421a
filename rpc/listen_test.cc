#include "rpc/listen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

class ListenTest : public testing::Test {
 protected:
  ~ListenTest() noexcept override {}

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
};

TEST_F(ListenTest, PortZeroTakesAFreeOne) {
  auto receiver = ListenOn(io_, "127.0.0.1:0");
  ASSERT_TRUE(receiver.ok()) << receiver.status();
  EXPECT_GT((*receiver)->getPort(), 0u);
}

TEST_F(ListenTest, AnAddressInUseIsNamedWithWhatToDo) {
  auto first = ListenOn(io_, "127.0.0.1:0");
  ASSERT_TRUE(first.ok());
  const std::string address = absl::StrCat("127.0.0.1:", (*first)->getPort());
  const absl::Status second = ListenOn(io_, address).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.message()),
              HasSubstr("cannot listen on " + address + ": the address is already in use; stop"));
}

TEST_F(ListenTest, AHostThatIsNotOursIsNamed) {
  const absl::Status status = ListenOn(io_, "192.0.2.1:0").status();  // reserved for documents
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cannot listen on 192.0.2.1:0: it is no address of this host; "));
}

}  // namespace
}  // namespace millrace
