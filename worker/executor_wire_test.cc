#include "worker/executor_wire.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

ExecutorTask SomeTask() {
  ExecutorTask task;
  task.attempt = AttemptId{Epoch(2), 7};
  task.task = TaskId{JobId(3), 1, 4};
  task.partitions = 8;
  task.split_keys = {std::string("a\0", 2), "b"};
  task.output_path = "/output/part";
  task.temp_folder = "/temp";
  task.memory_bytes = 123456;
  task.environment = {"A=1", "B="};
  task.profile = true;
  return task;
}

class ExecutorWireTest : public testing::Test {
 protected:
  ~ExecutorWireTest() noexcept override {}

  absl::StatusOr<ExecutorTask> ThereAndBack(const ExecutorTask& task) {
    Write(task, root_);
    return ReadExecutorTask(root_.asReader());
  }

  capnp::MallocMessageBuilder message_;
  capnp_executor::ExecutorTask::Builder root_ = message_.initRoot<capnp_executor::ExecutorTask>();
};

TEST_F(ExecutorWireTest, AMapTravelsWhole) {
  ExecutorTask task = SomeTask();
  task.work = InputSplit{FileRange{InputFile{"/input", 100, 5}, 10, 20}};
  task.one_by_one = true;
  task.keeps_output = true;
  task.skip = {{"/input", 12, 3}, {"/input", 20, 4}};
  task.part_of = AttemptId{Epoch(1), 8};
  const absl::StatusOr<ExecutorTask> back = ThereAndBack(task);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->attempt, task.attempt);
  EXPECT_EQ(back->task, task.task);
  EXPECT_EQ(back->partitions, 8u);
  EXPECT_EQ(back->output_path, "/output/part");
  EXPECT_EQ(back->temp_folder, "/temp");
  EXPECT_EQ(back->memory_bytes, 123456u);
  EXPECT_EQ(back->environment, task.environment);
  EXPECT_TRUE(back->profile);
  EXPECT_EQ(back->kind(), StageKind::kMap);
  EXPECT_TRUE(back->one_by_one);
  EXPECT_TRUE(back->keeps_output);
  EXPECT_EQ(back->skip, task.skip);
  EXPECT_EQ(back->part_of, task.part_of);
  EXPECT_EQ(back->split_keys, task.split_keys);
  EXPECT_EQ(std::get<InputSplit>(back->work), std::get<InputSplit>(task.work));
}

TEST_F(ExecutorWireTest, AReduceTravelsWithSourcesOfBothKinds) {
  ReduceSource in_place;
  in_place.map_index = 1;
  in_place.path = "/run";
  in_place.whole_run = true;
  in_place.attempt = AttemptId{Epoch(1), 1};
  in_place.run_digest = Digest{1, 2};
  in_place.expected = RunPartition{50, 500, 5, 250, Digest{5, 6}};
  ReduceSource fetched;
  fetched.map_index = 2;
  fetched.path = "/fetched";
  fetched.attempt = AttemptId{Epoch(1), 2};
  fetched.expected = RunPartition{0, 1000, 10, 600, Digest{3, 4}};
  fetched.format = RecordFormat{ValueKind::kInt64, /*has_group_length=*/true};
  ExecutorTask task = SomeTask();
  task.work = std::vector<ReduceSource>{in_place, fetched};

  const absl::StatusOr<ExecutorTask> back = ThereAndBack(task);
  ASSERT_TRUE(back.ok()) << back.status();
  const auto& sources = std::get<std::vector<ReduceSource>>(back->work);
  ASSERT_EQ(sources.size(), 2u);
  EXPECT_TRUE(sources[0].whole_run);
  EXPECT_EQ(sources[0].run_digest, in_place.run_digest);
  EXPECT_EQ(sources[0].expected, in_place.expected);
  EXPECT_FALSE(sources[1].whole_run);
  EXPECT_EQ(sources[1].attempt, fetched.attempt);
  EXPECT_EQ(sources[1].expected, fetched.expected);
  EXPECT_EQ(sources[1].format, fetched.format);
}

TEST_F(ExecutorWireTest, WhatNoWorkerWritesIsRefused) {
  ExecutorTask task = SomeTask();
  task.work = std::vector<ReduceSource>(1);
  EXPECT_FALSE(ThereAndBack(task).ok()) << "a source without an attempt";
  task.work = InputSplit();
  ASSERT_TRUE(ThereAndBack(task).ok());
}

}  // namespace
}  // namespace millrace
