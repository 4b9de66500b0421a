#include "storage/output_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

#include "storage/faulty_file_system.h"
#include "storage/memory_file_system.h"
#include "storage/paths.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void MakeFile(FileSystem& fs, const std::string& path) {
  ASSERT_TRUE(fs.CreateFolders(FolderOf(path)).ok());
  ASSERT_TRUE(WriteFileAtomically(fs, path, "x").ok());
}

class OutputCheckTest : public ::testing::Test {
 protected:
  OutputCheckTest() {
    MakeFile(fs_, "/in/text");
    request_.output = "/out";
    request_.inputs = {InputFile{"/in/text", 1, 1}};
  }

  void ExpectRefused(absl::StatusCode code, const std::string& message) {
    absl::Status status = CheckOutput(fs_, request_);
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("output \"" + request_.output + "\" "), HasSubstr(message)));
  }

  MemoryFileSystem fs_;
  OutputRequest request_;
};

TEST_F(OutputCheckTest, AFolderThatDoesNotExistIsFineAndIsNotMade) {
  request_.output = "/a/b/out";
  EXPECT_TRUE(CheckOutput(fs_, request_).ok());
  EXPECT_THAT(*fs_.List("/"), ElementsAre("in"));
}

TEST_F(OutputCheckTest, AnEmptyFolderIsFineAndStaysEmpty) {
  ASSERT_TRUE(fs_.CreateFolders("/out").ok());
  EXPECT_TRUE(CheckOutput(fs_, request_).ok());
  EXPECT_THAT(*fs_.List("/out"), IsEmpty());
}

TEST_F(OutputCheckTest, AFolderWithContentNeedsOverwrite) {
  MakeFile(fs_, "/out/part-00000-of-00002");
  MakeFile(fs_, "/out/part-00001-of-00002");
  ExpectRefused(absl::StatusCode::kAlreadyExists,
                "is not empty (it holds part-00000-of-00002 and 1 more)");
  request_.overwrite = true;
  EXPECT_TRUE(CheckOutput(fs_, request_).ok());
}

TEST_F(OutputCheckTest, StagingThatAKilledJobLeftIsNotContent) {
  MakeFile(fs_, NoncePath("/out", "job-1-0123abcd"));
  EXPECT_TRUE(CheckOutput(fs_, request_).ok());
  EXPECT_THAT(*fs_.List("/out"), ElementsAre("_millrace"));
}

TEST_F(OutputCheckTest, StagingBesideContentDoesNotHideIt) {
  MakeFile(fs_, NoncePath("/out", "job-1-0123abcd"));
  MakeFile(fs_, "/out/part-00000-of-00001");
  ExpectRefused(absl::StatusCode::kAlreadyExists, "is not empty");
}

TEST_F(OutputCheckTest, AFileIsNotAFolder) {
  request_.output = "/in/text";
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "/in/text is not a folder");
  request_.overwrite = true;
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "/in/text is not a folder");
}

TEST_F(OutputCheckTest, TheOutputMayNotLieInsideAnInputFolder) {
  request_.input_folders = {"/in"};
  for (const char* output : {"/in", "/in/out", "/in/a/b"}) {
    request_.output = output;
    ExpectRefused(absl::StatusCode::kInvalidArgument, "lies inside the input folder /in");
  }
  request_.output = "/input-results";
  EXPECT_TRUE(CheckOutput(fs_, request_).ok());
}

TEST_F(OutputCheckTest, TheOutputMayLieBesideAnInputFile) {
  request_.output = "/in/out";
  EXPECT_TRUE(CheckOutput(fs_, request_).ok());
}

TEST_F(OutputCheckTest, TheInputMayNotLieInsideTheOutput) {
  MakeFile(fs_, "/out/part-00000-of-00001");
  request_.overwrite = true;
  request_.inputs.push_back(InputFile{"/out/part-00000-of-00001", 1, 1});
  ExpectRefused(absl::StatusCode::kInvalidArgument,
                "holds the input file /out/part-00000-of-00001");
}

TEST_F(OutputCheckTest, AFolderThatCannotBeWrittenIsRefused) {
  FaultyFileSystem faulty(&fs_);
  faulty.FailNth(FileOperation::kOpenForWriting, 1, absl::PermissionDeniedError("not yours"));
  request_.try_writing = true;
  absl::Status status = CheckOutput(faulty, request_);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("output \"/out\" cannot be written"), HasSubstr("not yours")));
}

TEST_F(OutputCheckTest, LinksHideNothing) {
  PosixFileSystem posix;
  std::string folder = ::testing::TempDir() + "output-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  MakeFile(posix, folder + "/real/text");
  ASSERT_EQ(symlink("real", (folder + "/link").c_str()), 0);
  request_.output = folder + "/link/out";
  request_.inputs = {InputFile{folder + "/real/text", 1, 1}};
  request_.input_folders = {folder + "/real"};
  absl::Status status = CheckOutput(posix, request_);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
}

TEST_F(OutputCheckTest, AFolderForMapOutputsMayBeMissingAndNothingIsLeft) {
  EXPECT_TRUE(CheckKeepFolder(fs_, "/a/keep", request_).ok());
  EXPECT_FALSE(fs_.Stat("/a").ok());
  ASSERT_TRUE(fs_.CreateFolders("/a/keep").ok());
  EXPECT_TRUE(CheckKeepFolder(fs_, "/a/keep", request_).ok()) << "it may be there already";
  EXPECT_THAT(*fs_.List("/a/keep"), IsEmpty());
}

TEST_F(OutputCheckTest, MapOutputsAreKeptOutsideInputAndOutput) {
  request_.input_folders = {"/in"};
  MakeFile(fs_, "/file");
  const std::pair<const char*, const char*> wrong[] = {{"/out", "inside the output folder /out"},
                                                       {"/out/keep", "inside the output folder"},
                                                       {"/in/keep", "inside the input folder /in"},
                                                       {"/file", "is not a folder"}};
  for (const auto& [keep, message] : wrong) {
    EXPECT_THAT(
        std::string(CheckKeepFolder(fs_, keep, request_).message()),
        AllOf(HasSubstr(std::string("--keep_intermediate=") + keep + " "), HasSubstr(message)));
  }
}

TEST_F(OutputCheckTest, AFolderForMapOutputsMustBeWritable) {
  FaultyFileSystem faulty(&fs_);
  faulty.FailEvery(FileOperation::kOpenForWriting, absl::PermissionDeniedError("denied"));
  EXPECT_THAT(std::string(CheckKeepFolder(faulty, "/keep", request_).message()),
              HasSubstr("cannot be written"));
}

TEST_F(OutputCheckTest, AHostSeesTheOutputIfItSeesTheNonce) {
  ASSERT_TRUE(WriteFileAtomically(fs_, "/nonce", "secret").ok());
  EXPECT_TRUE(CheckOutputVisible(fs_, "/nonce", "secret").ok());
  for (const absl::Status& status :
       {CheckOutputVisible(fs_, "/none", "secret"), CheckOutputVisible(fs_, "/nonce", "other")}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("a file system that all hosts share"));
  }
}

}  // namespace
}  // namespace millrace
