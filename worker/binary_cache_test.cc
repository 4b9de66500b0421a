#include "worker/binary_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

#include "rpc/sha256.h"
#include "rpc/status_exception.h"
#include "storage/paths.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

constexpr char kThisHost[] = "this host";
constexpr JobId kFirst(1);
constexpr JobId kSecond(2);
constexpr JobId kThird(3);

// Sends what it is told to, and counts.
class ScriptedSource final : public BinarySource {
 public:
  kj::Promise<kj::Own<BinaryStream>> Open(JobId, const std::string& file) override {
    asked_for = file;
    ++opened;
    if (!refusal.empty()) return ToException(absl::InternalError(refusal));
    return kj::Own<BinaryStream>(kj::heap<Stream>(*this));
  }

  std::string content;
  std::string refusal;
  std::string asked_for;
  int opened = 0;

 private:
  class Stream final : public BinaryStream {
   public:
    explicit Stream(ScriptedSource& source) : source_(source) {}
    kj::Promise<std::string> Read(uint64_t offset, uint32_t length) override {
      return offset < source_.content.size() ? source_.content.substr(offset, length)
                                             : std::string();
    }

   private:
    ScriptedSource& source_;
  };
};

class BinaryCacheTest : public testing::Test {
 protected:
  static std::string MakeFolder() {
    char folder[] = "/tmp/binary_cache_test_XXXXXX";
    return mkdtemp(folder);
  }
  ~BinaryCacheTest() noexcept override { file_system_.RemoveTree(folder_).IgnoreError(); }

  // What a client on another host would submit.
  JobBinary Remote(const std::string& content) {
    source_.content = content;
    JobBinary binary;
    binary.path = "/home/somebody/job";
    binary.sha256 = Sha256Hex(content);
    binary.size = content.size();
    binary.host_id = "another host";
    return binary;
  }

  absl::StatusOr<std::string> Find(JobId job, const JobBinary& binary) {
    return cache_.Find(job, binary).wait(wait_scope_);
  }

  kj::EventLoop loop_;
  kj::WaitScope wait_scope_{loop_};
  PosixFileSystem file_system_;
  const std::string folder_ = MakeFolder();
  InlineRunner io_;
  ScriptedSource source_;
  BinaryCache cache_{file_system_, io_, source_,
                     BinaryCacheOptions{folder_, kThisHost, /*max_bytes=*/5 << 20}};
};

// A program, as far as anybody looks at it.
std::string Program(size_t size, char filler = 'x') {
  return "#!/bin/sh\n" + std::string(size, filler);
}

TEST_F(BinaryCacheTest, TheSubmittingHostUsesTheFileInPlaceUntilItChanges) {
  const std::string path = folder_ + "/job";
  std::ofstream(path) << "content";
  const FileInfo info = *file_system_.Stat(path);
  JobBinary binary{path, Sha256Hex("content"), info.size, info.mtime_ns, info.inode, kThisHost};
  EXPECT_EQ(*Find(kFirst, binary), path);

  std::ofstream(path) << "other content";
  const absl::Status changed = Find(kFirst, binary).status();
  EXPECT_EQ(changed.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(changed.message(),
            "the job binary " + path + " changed after the job was submitted; submit it again");
  EXPECT_EQ(source_.opened, 0);
}

TEST_F(BinaryCacheTest, AFetchedBinaryIsWholeExecutableAndFetchedOnce) {
  const JobBinary binary = Remote(Program(2'500'000));
  const absl::StatusOr<std::string> path = Find(kFirst, binary);
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_EQ(*path, CachedBinaryPath(folder_, binary.sha256));
  EXPECT_EQ(*ReadFile(file_system_, *path, 10 << 20), source_.content);
  struct stat info;
  ASSERT_EQ(0, stat(path->c_str(), &info));
  EXPECT_EQ(info.st_mode & 0777, 0700u);

  EXPECT_EQ(*Find(kSecond, binary), *path);
  EXPECT_EQ(source_.opened, 1);
}

TEST_F(BinaryCacheTest, ASideFileIsFetchedEvenOnTheSubmittingHostAndKeepsItsMode) {
  JobBinary file = Remote("no program of any machine");
  file.host_id = kThisHost;
  file.name = "list";
  const std::string program = *Find(kFirst, file);
  EXPECT_EQ(source_.asked_for, "list");
  file.executable = false;
  const std::string data = *Find(kFirst, file);
  EXPECT_EQ(source_.opened, 2);
  struct stat info;
  ASSERT_EQ(0, stat(program.c_str(), &info));
  EXPECT_EQ(info.st_mode & 0777, 0500u);
  ASSERT_EQ(0, stat(data.c_str(), &info));
  EXPECT_EQ(info.st_mode & 0777, 0400u);
}

TEST_F(BinaryCacheTest, AnEmptySideFileIsAFile) {
  JobBinary file = Remote("");
  file.name = "empty";
  EXPECT_EQ(*ReadFile(file_system_, *Find(kFirst, file), 1), "");
}

TEST_F(BinaryCacheTest, NothingThatAJobNeedsMakesRoom) {
  JobBinary side_file = Remote(std::string(2 << 20, 's'));
  side_file.name = "list";
  ASSERT_TRUE(Find(kFirst, side_file).ok());
  ASSERT_TRUE(Find(kFirst, Remote(Program(2 << 20, 'a'))).ok());
  EXPECT_EQ(Find(kSecond, Remote(Program(2 << 20, 'b'))).status().code(),
            absl::StatusCode::kResourceExhausted);
  cache_.Release(kFirst);
  EXPECT_TRUE(Find(kSecond, Remote(Program(2 << 20, 'b'))).ok());
}

TEST_F(BinaryCacheTest, TwoJobsThatAskAtOnceShareOneFetch) {
  const JobBinary binary = Remote(Program(100));
  auto first = cache_.Find(kFirst, binary);
  auto second = cache_.Find(kSecond, binary);
  EXPECT_TRUE(first.wait(wait_scope_).ok());
  EXPECT_TRUE(second.wait(wait_scope_).ok());
  EXPECT_EQ(source_.opened, 1);
}

TEST_F(BinaryCacheTest, ADamagedCopyIsFetchedAgain) {
  const JobBinary binary = Remote(Program(100));
  const std::string path = *Find(kFirst, binary);
  std::ofstream(path) << "damaged";
  EXPECT_EQ(*Find(kFirst, binary), path);
  EXPECT_EQ(source_.opened, 2);
  EXPECT_EQ(*ReadFile(file_system_, path, 1 << 20), source_.content);
}

TEST_F(BinaryCacheTest, WhatIsDamagedOnItsWayIsNotUsed) {
  const JobBinary binary = Remote(Program(100));
  source_.content[50] ^= 1;
  const absl::Status status = Find(kFirst, binary).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("was damaged on its way"));
  EXPECT_TRUE(file_system_.List(BinaryCacheFolder(folder_))->empty()) << "nothing is left behind";

  source_.content[50] ^= 1;
  EXPECT_TRUE(Find(kFirst, binary).ok()) << "the next attempt tries again";
}

TEST_F(BinaryCacheTest, WhatComesIncompleteIsNotUsed) {
  const JobBinary binary = Remote(Program(100));
  source_.content.resize(60);
  EXPECT_THAT(std::string(Find(kFirst, binary).status().message()),
              HasSubstr("came incomplete: it ended at byte 60 of 110"));
}

TEST_F(BinaryCacheTest, ARefusalReachesThePerson) {
  const JobBinary binary = Remote(Program(100));
  source_.refusal = "the master has no such file";
  EXPECT_THAT(std::string(Find(kFirst, binary).status().message()),
              HasSubstr("the master has no such file"));
}

TEST_F(BinaryCacheTest, AProgramOfAnotherMachineIsNamed) {
  const JobBinary binary = Remote("just text");
  EXPECT_THAT(std::string(Find(kFirst, binary).status().message()),
              HasSubstr("it is no Linux program"));
}

TEST_F(BinaryCacheTest, TheLeastRecentlyUsedCopyMakesRoomButNeverOneInUse) {
  const JobBinary old = Remote(Program(2 << 20, 'a'));
  const std::string old_path = *Find(kFirst, old);
  const JobBinary used = Remote(Program(2 << 20, 'b'));
  const std::string used_path = *Find(kSecond, used);

  const JobBinary third = Remote(Program(2 << 20, 'c'));
  EXPECT_THAT(std::string(Find(kThird, third).status().message()), HasSubstr("does not fit"));

  cache_.Release(kFirst);
  EXPECT_TRUE(Find(kThird, third).ok());
  EXPECT_FALSE(file_system_.Stat(old_path).ok());
  EXPECT_TRUE(file_system_.Stat(used_path).ok());
  EXPECT_LE(cache_.cached_bytes(), uint64_t{5} << 20);
}

}  // namespace
}  // namespace millrace
