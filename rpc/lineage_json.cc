#include <utility>

#include "rpc/view_json.h"
#include "rpc/view_json_parts.h"

namespace millrace {
namespace {

void WriteAttemptId(const AttemptId& attempt, JsonWriter* json) {
  WriteOptionalText(attempt.is_set() ? ToString(attempt) : "", json);
}

void WriteDigest(const Digest& digest, JsonWriter* json) {
  WriteOptionalText(digest == Digest() ? "" : digest.ToHex(), json);
}

// A task of another job, if there is one.
void WriteOtherTask(const TaskId& task, JsonWriter* json) {
  if (!task.job.is_set()) {
    json->Null();
    return;
  }
  json->OpenObject();
  json->Key("job").String(ToString(task.job));
  json->Key("task").String(
      TaskName(task.stage == 0 ? StageKind::kMap : StageKind::kReduce, task.index));
  json->CloseObject();
}

void WriteRange(const FileRange& range, JsonWriter* json) {
  json->OpenObject();
  json->Key("file").String(range.file.path);
  json->Key("offset").Number(range.offset);
  json->Key("length").Number(range.length);
  json->CloseObject();
}

void WriteSource(const SourceView& source, JsonWriter* json) {
  json->OpenObject();
  json->Key("task").String(TaskName(StageKind::kMap, source.map_index));
  json->Key("state").String(Name(source.state));
  json->Key("attempt");
  WriteAttemptId(source.attempt, json);
  json->Key("worker");
  WriteOptionalText(source.worker.is_set() ? ToString(source.worker) : "", json);
  json->Key("worker_name").String(source.worker_name);
  json->Key("digest");
  WriteDigest(source.digest, json);
  json->CloseObject();
}

}  // namespace

std::string LineageJson(const LineageView& lineage) {
  JsonWriter json;
  json.OpenObject();
  json.Key("job").String(ToString(lineage.task.job));
  json.Key("task").String(TaskName(lineage.kind, lineage.task.index));
  json.Key("state").String(lineage.state);
  json.Key("split");
  WriteArray(lineage.split, WriteRange, &json);
  json.Key("winner");
  WriteAttemptId(lineage.winner, &json);
  json.Key("digest");
  WriteDigest(lineage.digest, &json);
  json.Key("reused");
  WriteOtherTask(lineage.made_for, &json);
  json.Key("part_of");
  WriteOtherTask(lineage.part_of, &json);
  json.Key("attempts");
  WriteArray(lineage.attempts, WriteAttempt, &json);
  json.Key("sources");
  WriteArray(lineage.read, WriteSource, &json);
  json.Key("forgotten");
  WriteOptionalText(lineage.forgotten, &json);
  json.CloseObject();
  return std::move(json).Take();
}

}  // namespace millrace
