#include "rpc/sha256.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace millrace {
namespace {

constexpr char kOfAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256Test, KnownAnswers) {  // FIPS 180-4
  EXPECT_EQ(Sha256Hex("abc"), kOfAbc);
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256Test, PiecesGiveTheSameAsTheWhole) {
  Sha256Stream stream;
  stream.Update("a");
  stream.Update("");
  stream.Update("bc");
  EXPECT_EQ(stream.FinishHex(), kOfAbc);
}

TEST(Sha256Test, FilesLongerThanTheBuffer) {
  const std::string path = testing::TempDir() + "/long";
  const std::string content(3'000'001, 'x');
  std::ofstream(path, std::ios::binary) << content;
  EXPECT_EQ(*Sha256HexOfFile(path), Sha256Hex(content));
}

TEST(Sha256Test, FilesThatCannotBeReadAreNamed) {
  const absl::Status missing = Sha256HexOfFile("/nonexistent/file").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(missing.ToString().find("/nonexistent/file"), std::string::npos);
  EXPECT_FALSE(Sha256HexOfFile(testing::TempDir()).ok());
}

TEST(Sha256Test, WhatLooksLikeOne) {
  EXPECT_TRUE(IsSha256Hex(kOfAbc));
  EXPECT_FALSE(IsSha256Hex(std::string(64, 'A')));
  EXPECT_FALSE(IsSha256Hex(std::string(63, 'a')));
  EXPECT_FALSE(IsSha256Hex(""));
}

}  // namespace
}  // namespace millrace
