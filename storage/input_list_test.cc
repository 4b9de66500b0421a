#include "storage/input_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

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

void MakeFile(FileSystem& fs, const std::string& path, std::string_view content = "x") {
  ASSERT_TRUE(fs.CreateFolders(FolderOf(path)).ok());
  auto file = fs.OpenForWriting(path).value();
  ASSERT_TRUE(file->Append(content).ok());
  ASSERT_TRUE(file->Close().ok());
}

std::vector<std::string> PathsOf(const absl::StatusOr<InputList>& list) {
  if (!list.ok()) return {list.status().ToString()};
  std::vector<std::string> paths;
  for (const InputFile& file : list->files) paths.push_back(file.path);
  return paths;
}

class InputListTest : public ::testing::Test {
 protected:
  void Make(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) MakeFile(fs_, path);
  }
  // Relative patterns are seen from /home.
  absl::StatusOr<InputList> Expand(const std::vector<std::string>& patterns) {
    return ExpandInputs(fs_, patterns, "/home");
  }
  std::vector<std::string> Paths(const std::vector<std::string>& patterns) {
    return PathsOf(Expand(patterns));
  }
  std::string Error(const std::vector<std::string>& patterns) {
    return Expand(patterns).status().ToString();
  }

  MemoryFileSystem fs_;
};

// --- Files and folders ---

TEST_F(InputListTest, AFileIsTakenAsItIs) {
  MakeFile(fs_, "/home/_a", "12345");
  absl::StatusOr<InputList> list = Expand({"_a"});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->files, ElementsAre(InputFile{"/home/_a", 5, fs_.Stat("/home/_a")->mtime_ns}));
  EXPECT_THAT(list->folders, IsEmpty());
}

TEST_F(InputListTest, AFolderStandsForAllFilesBelowInByteOrderOfPaths) {
  Make({"/in/b", "/in/a/z", "/in/a/y/x", "/in/a.txt", "/in/B"});
  absl::StatusOr<InputList> list = Expand({"/in/"});
  EXPECT_THAT(PathsOf(list), ElementsAre("/in/B", "/in/a.txt", "/in/a/y/x", "/in/a/z", "/in/b"));
  EXPECT_THAT(list->folders, ElementsAre("/in"));
}

TEST_F(InputListTest, HiddenNamesInFoldersAreSkipped) {
  Make({"/out/part-00000-of-00001", "/out/_SUCCESS", "/out/.x", "/out/_millrace/job/f"});
  EXPECT_THAT(Paths({"/out"}), ElementsAre("/out/part-00000-of-00001"));
}

TEST_F(InputListTest, TheOrderIsThatOfThePatterns) {
  Make({"/in/a", "/in/b", "/in/c"});
  EXPECT_THAT(Paths({"/in/c", "/in/a"}), ElementsAre("/in/c", "/in/a"));
}

TEST_F(InputListTest, AFileThatIsNamedTwiceIsReadOnceWhereItComesFirst) {
  Make({"/home/a", "/home/b", "/home/c"});
  absl::StatusOr<InputList> list = Expand({"c", ".", "/home/./a"});
  EXPECT_THAT(PathsOf(list), ElementsAre("/home/c", "/home/a", "/home/b"));
  EXPECT_THAT(list->repeated, ElementsAre("/home/c", "/home/a"));
}

TEST_F(InputListTest, EmptyFilesAreListed) {
  MakeFile(fs_, "/in/empty", "");
  EXPECT_THAT(Paths({"/in"}), ElementsAre("/in/empty"));
}

// --- Patterns ---

TEST_F(InputListTest, WildcardsMatchWithinAFolder) {
  Make({"/in/a1", "/in/a2", "/in/b1", "/in/sub/a3"});
  EXPECT_THAT(Paths({"/in/a?"}), ElementsAre("/in/a1", "/in/a2"));
  EXPECT_THAT(Paths({"/in/*1"}), ElementsAre("/in/a1", "/in/b1"));
  EXPECT_THAT(Paths({"/in/*/a*"}), ElementsAre("/in/sub/a3"));
}

TEST_F(InputListTest, AFolderThatMatchesStandsForItsFiles) {
  Make({"/in/2020/a", "/in/2021/b/c", "/in/notes"});
  absl::StatusOr<InputList> list = Expand({"/in/20*"});
  EXPECT_THAT(PathsOf(list), ElementsAre("/in/2020/a", "/in/2021/b/c"));
  EXPECT_THAT(list->folders, ElementsAre("/in/2020", "/in/2021"));
}

TEST_F(InputListTest, TwoStarsStandForAnyNumberOfFolders) {
  Make({"/in/a.txt", "/in/x/b.txt", "/in/x/y/c.txt", "/in/x/y/d.log", "/in/_tmp/e.txt"});
  EXPECT_THAT(Paths({"/in/**/*.txt"}), ElementsAre("/in/a.txt", "/in/x/b.txt", "/in/x/y/c.txt"));
  EXPECT_THAT(Paths({"/in/**/y/*"}), ElementsAre("/in/x/y/c.txt", "/in/x/y/d.log"));
  EXPECT_THAT(Paths({"/in/x/**"}), ElementsAre("/in/x/b.txt", "/in/x/y/c.txt", "/in/x/y/d.log"));
  EXPECT_THAT(Paths({"/in/**/**/b.txt"}), ElementsAre("/in/x/b.txt"));
}

TEST_F(InputListTest, RelativePatternsAreSeenFromTheBase) {
  Make({"/home/a.txt", "/home/sub/b.txt"});
  EXPECT_THAT(Paths({"*.txt"}), ElementsAre("/home/a.txt"));
  EXPECT_THAT(Paths({"./sub/*"}), ElementsAre("/home/sub/b.txt"));
}

TEST_F(InputListTest, WildcardsInTheBaseStandForThemselves) {
  Make({"/h*me/a.txt", "/home/b.txt"});
  EXPECT_THAT(PathsOf(ExpandInputs(fs_, {"*.txt"}, "/h*me")), ElementsAre("/h*me/a.txt"));
}

TEST_F(InputListTest, HiddenNamesMatchOnlyIfAskedFor) {
  Make({"/in/_a", "/in/b"});
  EXPECT_THAT(Paths({"/in/*"}), ElementsAre("/in/b"));
  EXPECT_THAT(Paths({"/in/_*"}), ElementsAre("/in/_a"));
}

// --- Lists ---

TEST_F(InputListTest, AListIsTakenLiterallyLineByLine) {
  Make({"/home/*.txt", "/home/a.txt", "/home/dir/x", "/home/dir/y", "/home/with space,comma"});
  MakeFile(fs_, "/home/list", "/home/with space,comma\n\n*.txt\ndir");
  EXPECT_THAT(Paths({"@list"}),
              ElementsAre("/home/with space,comma", "/home/*.txt", "/home/dir/x", "/home/dir/y"));
}

TEST_F(InputListTest, ALineOfAListMayEndWithCarriageReturnAndLineFeed) {
  Make({"/home/a", "/home/b"});
  MakeFile(fs_, "/home/list", "a\r\n\r\nb\r\n");
  EXPECT_THAT(Paths({"@list"}), ElementsAre("/home/a", "/home/b"));
}

TEST_F(InputListTest, TheListsThemselvesAreKnown) {
  Make({"/home/a"});
  MakeFile(fs_, "/home/list", "a");
  absl::StatusOr<InputList> list = Expand({"@list"});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->lists,
              ElementsAre(InputFile{"/home/list", 1, fs_.Stat("/home/list")->mtime_ns}));
}

// --- What is refused ---

TEST_F(InputListTest, WhatIsMissingIsNamed) {
  EXPECT_THAT(Error({"none"}),
              AllOf(HasSubstr("NOT_FOUND"), HasSubstr("input \"none\""), HasSubstr("/home/none")));
  MakeFile(fs_, "/home/list", "gone\n");
  EXPECT_THAT(Error({"@list"}), AllOf(HasSubstr("input \"@list\""), HasSubstr("/home/gone")));
  EXPECT_THAT(Error({"@nolist"}), HasSubstr("/home/nolist"));
}

TEST_F(InputListTest, APatternMustMatchSomething) {
  Make({"/in/a", "/in/b"});
  EXPECT_THAT(Error({"/in/a", "/in/*.txt"}),
              AllOf(HasSubstr("NOT_FOUND"), HasSubstr("input \"/in/*.txt\": no file matches")));
  EXPECT_THAT(Error({"/in/*/none"}), HasSubstr("no file matches"));
  EXPECT_THAT(Error({"/in/a/*"}), HasSubstr("no file matches"));
  EXPECT_THAT(Error({"/none/**"}), HasSubstr("no file matches"));
}

TEST_F(InputListTest, AFolderMustHoldSomething) {
  Make({"/in/_hidden"});
  EXPECT_THAT(Error({"/in"}), HasSubstr("input \"/in\": holds no file"));
}

TEST_F(InputListTest, ThereMustBeSomeInput) {
  EXPECT_EQ(Expand({}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Expand({""}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(InputListTest, AFileThatCannotBeReadIsNamed) {
  Make({"/in/a", "/in/b"});
  FaultyFileSystem faulty(&fs_);
  faulty.FailNth(FileOperation::kOpenForReading, 2, absl::PermissionDeniedError("not for you"));
  absl::Status status = ExpandInputs(faulty, {"/in"}, "/").status();
  EXPECT_EQ(status, absl::PermissionDeniedError("input \"/in\": /in/b: not for you"));
}

// --- Links and special files ---

class InputLinksTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  absl::StatusOr<InputList> Expand(const std::string& pattern) {
    return ExpandInputs(fs_, {pattern}, folder_);
  }

  static std::string NewFolder() {
    std::string name = ::testing::TempDir() + "input-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    return name;
  }

  const std::string folder_ = NewFolder();
  PosixFileSystem fs_;
};

TEST_F(InputLinksTest, LinksToFilesAndFoldersAreFollowed) {
  MakeFile(fs_, Path("real/f"));
  MakeFile(fs_, Path("in/a"));
  ASSERT_EQ(symlink("../real/f", Path("in/file-link").c_str()), 0);
  ASSERT_EQ(symlink("../real", Path("in/link").c_str()), 0);
  EXPECT_THAT(PathsOf(Expand("in")),
              ElementsAre(Path("in/a"), Path("in/file-link"), Path("in/link/f")));
}

TEST_F(InputLinksTest, ALoopOfLinksIsRefused) {
  MakeFile(fs_, Path("in/a/f"));
  ASSERT_EQ(symlink("..", Path("in/a/up").c_str()), 0);
  for (const char* pattern : {"in", "in/**", "in/**/f"}) {
    absl::Status status = Expand(pattern).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(Path("in/a/up") + ": is a link to a folder that holds it")));
  }
}

TEST_F(InputLinksTest, ALinkToNothingIsNamed) {
  MakeFile(fs_, Path("in/a"));
  ASSERT_EQ(symlink("nowhere", Path("in/link").c_str()), 0);
  EXPECT_THAT(PathsOf(Expand("in")), ElementsAre(HasSubstr(Path("in/link"))));
}

TEST_F(InputLinksTest, SpecialFilesAreRefused) {
  MakeFile(fs_, Path("in/a"));
  ASSERT_EQ(mkfifo(Path("in/fifo").c_str(), 0600), 0);
  for (const char* pattern : {"in", "in/fifo", "in/*"}) {
    absl::Status status = Expand(pattern).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(Path("in/fifo") + ": is a FIFO, socket or device"));
  }
}

TEST_F(InputLinksTest, DotDotIsUnderstood) {
  MakeFile(fs_, Path("in/a"));
  MakeFile(fs_, Path("other/b"));
  EXPECT_THAT(PathsOf(Expand("other/../in/*")), ElementsAre(Path("other/../in/a")));
}

}  // namespace
}  // namespace millrace
