#include "worker/attempt_files.h"

#include "mapreduce/status_macros.h"
#include "storage/paths.h"

namespace millrace {

absl::Status AttemptFiles::Make(FileSystem& file_system) const {
  MILLRACE_RETURN_IF_ERROR(file_system.CreateFolders(job_folder));
  return file_system.CreateFolders(attempt_folder);
}

// Files that are gone already are as good as removed; others are removed with the scratch folder.
void AttemptFiles::RemoveTemporary(FileSystem& file_system) const {
  file_system.RemoveTree(attempt_folder).IgnoreError();
}

void AttemptFiles::RemoveAll(FileSystem& file_system) const {
  RemoveTemporary(file_system);
  file_system.RemoveFile(TemporaryName(output)).IgnoreError();
  file_system.RemoveFile(output).IgnoreError();
}

AttemptFiles FilesOf(const AttemptSpec& spec, const JobContext& job,
                     const std::string& scratch_folder) {
  AttemptFiles files;
  files.job_folder = ScratchJobFolder(scratch_folder, job.job);
  files.side_files_folder = SideFilesFolder(scratch_folder, job.job);
  files.attempt_folder = AttemptFolder(scratch_folder, spec.attempt);
  if (spec.kind == StageKind::kReduce || job.reducers == 0) {
    files.output =
        StagedPartPath(job.output_folder, job.staging_key, spec.task.index, spec.attempt);
  } else if (job.keeps_outputs()) {
    files.output =
        KeptOutputPath(KeptFolder(job.keep_folder, job.staging_key), spec.task, spec.attempt);
  } else {
    files.output = MapOutputPath(scratch_folder, spec.task, spec.attempt);
  }
  return files;
}

std::vector<std::string> EnvironmentOf(const AttemptSpec& spec, const JobContext& job,
                                       const std::string& worker_name) {
  std::vector<std::string> environment = {
      "MILLRACE_JOB=" + ToString(spec.task.job),
      "MILLRACE_TASK=" + TaskName(spec.kind, spec.task.index),
      "MILLRACE_ATTEMPT=" + ToString(spec.attempt),
      "MILLRACE_WORKER=" + worker_name,
      "MILLRACE_REDUCERS=" + std::to_string(job.reducers),
  };
  if (!spec.split.empty()) {
    environment.push_back("MILLRACE_INPUT_FILE=" + spec.split.front().file.path);
  }
  return environment;
}

}  // namespace millrace
