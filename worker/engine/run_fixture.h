// Runs on a disk in memory, for tests: pairs in, readers out.
//
//   RunDisk disk;
//   RunMerger merger(disk.MakeRuns<Pairs>({{{"a", "1"}, {"b", "2"}}, {{"a", "3"}}}));
#ifndef MILLRACE_WORKER_ENGINE_RUN_FIXTURE_H_
#define MILLRACE_WORKER_ENGINE_RUN_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "storage/memory_file_system.h"
#include "storage/run_reader.h"
#include "storage/run_writer.h"

namespace millrace {

using Pairs = std::vector<std::pair<std::string, std::string>>;
using Numbers = std::vector<std::pair<std::string, int64_t>>;

class RunDisk {
 public:
  RunDisk() {
    EXPECT_TRUE(fs_.CreateFolders("/runs").ok());
    EXPECT_TRUE(fs_.CreateFolders("/temp").ok());
  }

  FileSystem* fs() { return &fs_; }

  // Writes a run of one partition, as /runs/0, /runs/1, ... The records come in the order given.
  template <typename Records>
  std::pair<std::string, RunFooter> WriteRun(const Records& records) {
    const std::string path = "/runs/" + std::to_string(runs_++);
    RunWriterOptions options;
    if (std::is_same_v<Records, Numbers>) options.format.value_kind = ValueKind::kInt64;
    auto writer = RunWriter::Create(&fs_, path, options);
    EXPECT_TRUE(writer.ok()) << writer.status();
    (*writer)->BeginPartition(0);
    for (const auto& [key, value] : records) (*writer)->Add(key, value);
    auto footer = (*writer)->Finish();
    EXPECT_TRUE(footer.ok()) << footer.status();
    return {path, *footer};
  }

  // The same, opened.
  template <typename Records>
  std::unique_ptr<RunReader> MakeRun(const Records& records) {
    const auto [path, footer] = WriteRun(records);
    return Open(path, footer, 0);
  }
  template <typename Records>
  std::vector<std::unique_ptr<RunReader>> MakeRuns(const std::vector<Records>& sources) {
    std::vector<std::unique_ptr<RunReader>> readers;
    readers.reserve(sources.size());
    for (const Records& records : sources) readers.push_back(MakeRun(records));
    return readers;
  }

  std::unique_ptr<RunReader> Open(const std::string& path, const RunFooter& footer,
                                  uint32_t partition) {
    auto reader = RunReader::OpenInRun(&fs_, path, footer, partition);
    EXPECT_TRUE(reader.ok()) << reader.status();
    return *std::move(reader);
  }

  // What is left to read.
  static Pairs Rest(RunReader* reader) {
    Pairs pairs;
    while (reader->Next()) pairs.emplace_back(reader->key(), reader->value());
    EXPECT_TRUE(reader->status().ok()) << reader->status();
    return pairs;
  }

 private:
  MemoryFileSystem fs_;
  int runs_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_RUN_FIXTURE_H_
