// A worker's end of real executors, for tests: starts the misbehaving job and gives it maps to run.
#ifndef MILLRACE_WORKER_TESTDATA_EXECUTOR_FIXTURE_H_
#define MILLRACE_WORKER_TESTDATA_EXECUTOR_FIXTURE_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "storage/posix_file_system.h"
#include "worker/process_executor.h"

namespace millrace {

class ExecutorFixture : public testing::Test {
 protected:
  ExecutorFixture() {
    char folder[] = "/tmp/executor_test_XXXXXX";
    folder_ = mkdtemp(folder);
  }
  ~ExecutorFixture() noexcept override { file_system_.RemoveTree(folder_).IgnoreError(); }

  // The program lies in the runfiles of the test.
  ExecutorCommand Command(const std::string& argument = "") const {
    ExecutorCommand command;
    char* const real = realpath("worker/misbehaving_job", nullptr);
    command.binary_path = real == nullptr ? "" : real;
    free(real);
    command.argv = {"misbehaving_job"};
    if (!argument.empty()) command.argv.push_back(argument);
    command.environment = {"PATH=/usr/bin:/bin", "GIVEN=by the client"};
    command.working_folder = folder_;
    return command;
  }

  kj::Own<Executor> Start(const std::string& argument = "") {
    absl::StatusOr<kj::Own<Executor>> executor = factory_.Start(Command(argument));
    if (!executor.ok()) ADD_FAILURE() << executor.status();
    return kj::mv(*executor);
  }

  std::string PathOf(const std::string& name) const { return folder_ + "/" + name; }

  // A FIFO by which user code says that it has come to a certain point.
  class Fifo {
   public:
    Fifo(kj::AsyncIoContext& io, std::string path) : path_(std::move(path)), io_(io) {
      EXPECT_EQ(0, mkfifo(path_.c_str(), 0600));
      own_end_ = kj::AutoCloseFd(open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    }
    const std::string& path() const { return path_; }
    // Returns when somebody has written a byte.
    void AwaitByte() {
      char byte;
      auto stream = io_.lowLevelProvider->wrapInputFd(own_end_.get());
      stream->read(&byte, 1).wait(io_.waitScope);
    }
    // Returns when nobody holds the other end any more.
    void AwaitEnd() {
      kj::AutoCloseFd reader(open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
      own_end_ = nullptr;
      io_.lowLevelProvider->wrapInputFd(reader.get())->readAllBytes().wait(io_.waitScope);
    }

   private:
    const std::string path_;
    kj::AsyncIoContext& io_;
    kj::AutoCloseFd own_end_;
  };

  // A map-only task over a file with these lines; its output is PathOf("part-N").
  ExecutorTask Map(const std::string& lines) {
    ExecutorTask task;
    task.attempt = AttemptId{Epoch(1), ++attempts_};
    task.task = TaskId{JobId(1), 0, static_cast<uint32_t>(attempts_)};
    const std::string input = PathOf("input-" + std::to_string(attempts_));
    std::ofstream(input) << lines;
    const absl::StatusOr<FileInfo> info = file_system_.Stat(input);
    if (!info.ok()) ADD_FAILURE() << info.status();
    FileRange range{{input, info->size, info->mtime_ns}, 0, info->size};
    task.work = InputSplit{range};
    task.output_path = PathOf("part-" + std::to_string(attempts_));
    task.temp_folder = folder_;
    task.memory_bytes = 64 << 20;
    return task;
  }

  AttemptOutcome Run(Executor& executor, const std::string& lines) {
    return executor.Run(Map(lines)).wait(io_.waitScope);
  }

  // What the last task wrote.
  std::string Output() {
    const absl::StatusOr<std::string> output =
        ReadFile(file_system_, PathOf("part-" + std::to_string(attempts_)), 1 << 20);
    return output.ok() ? *output : std::string(output.status().message());
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  PosixFileSystem file_system_;
  std::string folder_;
  uint64_t attempts_ = 0;
  ProcessExecutorFactory factory_{*io_.lowLevelProvider, io_.unixEventPort,
                                  io_.provider->getTimer()};
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_TESTDATA_EXECUTOR_FIXTURE_H_
