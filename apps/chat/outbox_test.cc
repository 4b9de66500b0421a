#include "apps/chat/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace millrace::chat {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(OutboxTest, KeepsWhatIsNotKnownToBeHeard) {
  Outbox outbox;
  for (const char* message : {"a", "b", "c"}) outbox.Add(message);
  EXPECT_EQ(outbox.first(), 1u);
  EXPECT_THAT(outbox.Next(2), ElementsAre("a", "b"));
  EXPECT_THAT(outbox.Next(2), ElementsAre("a", "b")) << "the answer was lost";
  outbox.Heard(2);
  EXPECT_EQ(outbox.first(), 3u);
  EXPECT_THAT(outbox.Next(2), ElementsAre("c"));
  EXPECT_FALSE(outbox.empty());
}

TEST(OutboxTest, NumbersGoOnWhenItWasEmpty) {
  Outbox outbox;
  outbox.Add("a");
  outbox.Heard(1);
  EXPECT_TRUE(outbox.empty());
  outbox.Add("b");
  EXPECT_EQ(outbox.first(), 2u);
}

TEST(OutboxTest, AnOldAnswerAndOneFromTheFutureDoNoHarm) {
  Outbox outbox;
  outbox.Add("a");
  outbox.Add("b");
  outbox.Heard(1);
  outbox.Heard(0);
  EXPECT_THAT(outbox.Next(9), ElementsAre("b"));
  outbox.Heard(99);
  EXPECT_THAT(outbox.Next(9), IsEmpty());
  outbox.Add("c");
  EXPECT_EQ(outbox.first(), 3u);
}

TEST(OutboxTest, IsBounded) {
  Outbox outbox;
  for (size_t i = 0; i < Outbox::kMessagesMax; ++i) {
    EXPECT_TRUE(outbox.HasRoom());
    outbox.Add("x");
  }
  EXPECT_FALSE(outbox.HasRoom());
  outbox.Heard(1);
  EXPECT_TRUE(outbox.HasRoom());
}

}  // namespace
}  // namespace millrace::chat
