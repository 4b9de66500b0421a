// A file system under test, and how its contract speaks of it.
#ifndef MILLRACE_STORAGE_FILE_SYSTEM_FIXTURE_H_
#define MILLRACE_STORAGE_FILE_SYSTEM_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "storage/file_system.h"

namespace millrace {

struct FileSystemUnderTest {
  std::unique_ptr<FileSystem> base;  // behind `fs`, if it is a wrapper
  std::unique_ptr<FileSystem> fs;
  std::string folder;  // exists, is empty
};

class FileSystemContract : public ::testing::TestWithParam<FileSystemUnderTest (*)()> {
 protected:
  FileSystemContract() : made_(GetParam()()), fs_(*made_.fs), folder_(made_.folder) {}

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  void Write(const std::string& path, std::string_view content) {
    auto file = fs_.OpenForWriting(path);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Append(content).ok());
    ASSERT_TRUE((*file)->Close().ok());
  }

  std::string Read(const std::string& path) {
    absl::StatusOr<std::string> content = ReadFile(fs_, path, 1 << 20);
    EXPECT_TRUE(content.ok()) << content.status();
    return content.value_or("");
  }

  bool Exists(const std::string& path) { return fs_.Stat(path).ok(); }

  std::vector<std::string> NamesIn(const std::string& folder) {
    absl::StatusOr<std::vector<std::string>> names = fs_.List(folder);
    EXPECT_TRUE(names.ok()) << names.status();
    return names.ok() ? *names : std::vector<std::string>();
  }

  FileSystemUnderTest made_;
  FileSystem& fs_;
  const std::string folder_;
};

// An error has this code, and its message begins with the path that it is about.
inline void ExpectError(const absl::Status& status, absl::StatusCode code,
                        const std::string& path) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(std::string(status.message()), ::testing::StartsWith(path + ": "));
}

constexpr absl::StatusCode kMissing = absl::StatusCode::kNotFound;
constexpr absl::StatusCode kWrongKind = absl::StatusCode::kFailedPrecondition;

}  // namespace millrace

#endif  // MILLRACE_STORAGE_FILE_SYSTEM_FIXTURE_H_
