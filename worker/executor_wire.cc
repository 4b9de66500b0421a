#include "worker/executor_wire.h"

#include <string>
#include <utility>

#include "mapreduce/status_macros.h"
#include "rpc/wire.h"

namespace millrace {
namespace {

std::string ToString(capnp::Text::Reader in) { return std::string(in.begin(), in.size()); }

absl::StatusOr<ReduceSource> ReadSource(capnp_executor::ReduceSource::Reader in) {
  ReduceSource source;
  source.map_index = in.getMapIndex();
  MILLRACE_ASSIGN_OR_RETURN(source.attempt, ReadAttemptId(in.getAttempt()));
  source.path = ToString(in.getPath());
  source.whole_run = !in.getFetched();
  MILLRACE_ASSIGN_OR_RETURN(source.run_digest, ReadDigest(in.getRunDigest()));
  MILLRACE_ASSIGN_OR_RETURN(source.expected.digest, ReadDigest(in.getDigest()));
  source.expected.offset = in.getOffset();
  source.expected.length = in.getLength();
  source.expected.records = in.getRecords();
  source.expected.longest_block = in.getLongestBlock();
  if (in.getValueKind() > static_cast<uint8_t>(ValueKind::kInt64)) {
    return absl::InvalidArgumentError("a reduce source has an unknown kind of values");
  }
  source.format.value_kind = static_cast<ValueKind>(in.getValueKind());
  source.format.has_group_length = in.getHasGroupLength();
  return source;
}

void WriteSource(const ReduceSource& source, capnp_executor::ReduceSource::Builder out) {
  out.setMapIndex(source.map_index);
  Write(source.attempt, out.initAttempt());
  out.setPath(source.path);
  out.setFetched(!source.whole_run);
  Write(source.run_digest, out.initRunDigest());
  Write(source.expected.digest, out.initDigest());
  out.setOffset(source.expected.offset);
  out.setLength(source.expected.length);
  out.setRecords(source.expected.records);
  out.setLongestBlock(source.expected.longest_block);
  out.setValueKind(static_cast<uint8_t>(source.format.value_kind));
  out.setHasGroupLength(source.format.has_group_length);
}

absl::Status ReadWork(capnp_executor::ExecutorTask::Reader in, ExecutorTask* task) {
  if (in.isMap()) {
    InputSplit split;
    for (auto range : in.getMap()) {
      MILLRACE_ASSIGN_OR_RETURN(FileRange read, ReadFileRange(range));
      split.push_back(std::move(read));
    }
    task->work = std::move(split);
    task->one_by_one = in.getOneByOne();
    task->keeps_output = in.getKeepsOutput();
    for (auto key : in.getSplitKeys()) task->split_keys.push_back(ReadBytes(key));
    for (auto record : in.getSkip()) {
      MILLRACE_ASSIGN_OR_RETURN(InputRecord read, ReadInputRecord(record));
      task->skip.push_back(std::move(read));
    }
    if (in.hasPartOf()) {
      MILLRACE_ASSIGN_OR_RETURN(task->part_of, ReadAttemptId(in.getPartOf()));
    }
    return absl::OkStatus();
  }
  std::vector<ReduceSource> sources;
  for (auto source : in.getReduce()) {
    MILLRACE_ASSIGN_OR_RETURN(ReduceSource read, ReadSource(source));
    sources.push_back(std::move(read));
  }
  task->work = std::move(sources);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExecutorTask> ReadExecutorTask(capnp_executor::ExecutorTask::Reader in) {
  ExecutorTask task;
  MILLRACE_ASSIGN_OR_RETURN(task.attempt, ReadAttemptId(in.getAttempt()));
  MILLRACE_ASSIGN_OR_RETURN(task.task, ReadTaskId(in.getTask()));
  task.partitions = in.getPartitions();
  task.output_path = ToString(in.getOutputPath());
  task.temp_folder = ToString(in.getTempFolder());
  task.memory_bytes = in.getMemoryBytes();
  for (auto entry : in.getEnvironment()) task.environment.push_back(ToString(entry));
  task.profile = in.getProfile();
  MILLRACE_RETURN_IF_ERROR(ReadWork(in, &task));
  return task;
}

void Write(const ExecutorTask& value, capnp_executor::ExecutorTask::Builder out) {
  Write(value.attempt, out.initAttempt());
  Write(value.task, out.initTask());
  out.setPartitions(value.partitions);
  out.setOutputPath(value.output_path);
  out.setTempFolder(value.temp_folder);
  out.setMemoryBytes(value.memory_bytes);
  out.setProfile(value.profile);
  auto environment = out.initEnvironment(value.environment.size());
  for (size_t i = 0; i < value.environment.size(); ++i) environment.set(i, value.environment[i]);
  if (const auto* split = std::get_if<InputSplit>(&value.work); split != nullptr) {
    auto map = out.initMap(split->size());
    for (size_t i = 0; i < split->size(); ++i) Write((*split)[i], map[i]);
    out.setOneByOne(value.one_by_one);
    out.setKeepsOutput(value.keeps_output);
    WriteBytes(value.split_keys, out.initSplitKeys(value.split_keys.size()));
    auto skip = out.initSkip(value.skip.size());
    for (size_t i = 0; i < value.skip.size(); ++i) Write(value.skip[i], skip[i]);
    if (value.part_of.is_set()) Write(value.part_of, out.initPartOf());
    return;
  }
  const auto& sources = std::get<std::vector<ReduceSource>>(value.work);
  auto reduce = out.initReduce(sources.size());
  for (size_t i = 0; i < sources.size(); ++i) WriteSource(sources[i], reduce[i]);
}

}  // namespace millrace
