#include "client/role_options.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(RoleOptionsTest, WhatGoesInComesOut) {
  RoleOptions options;
  options.Set("name", "w1");
  options.Set("scratch_folder", "/tmp/odd\nname\\n=x");
  options.Set("slots", 3);
  options.Set("empty", "");
  const RoleOptions read = *RoleOptions::Decode(options.Encode());
  EXPECT_EQ(read.Get("name"), "w1");
  EXPECT_EQ(read.Get("scratch_folder"), "/tmp/odd\nname\\n=x");
  EXPECT_EQ(read.GetNumber("slots", 1), 3);
  EXPECT_EQ(read.Get("empty"), "");
}

TEST(RoleOptionsTest, WhatWasNotSetIsEmptyOrTheDefault) {
  EXPECT_EQ(RoleOptions().Get("master"), "");
  EXPECT_EQ(RoleOptions().GetNumber("lifeline_fd", -1), -1);
}

TEST(RoleOptionsTest, TextThatIsNoListOfLinesIsRefused) {
  EXPECT_FALSE(RoleOptions::Decode("name").ok());
  EXPECT_FALSE(RoleOptions::Decode("name=value").ok());  // no line feed: cut off
  EXPECT_FALSE(RoleOptions::Decode("=value\n").ok());
  EXPECT_TRUE(RoleOptions::Decode("").ok());
}

}  // namespace
}  // namespace millrace
