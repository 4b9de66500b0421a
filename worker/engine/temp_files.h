// The temporary files of one task: names them, and removes them in the end.
//
//   TempFiles temp_files(fs, task.temp_folder);
//   std::string spill = temp_files.NewPath("spill");       // FOLDER/spill-0000
//
// One thread.
#ifndef MILLRACE_WORKER_ENGINE_TEMP_FILES_H_
#define MILLRACE_WORKER_ENGINE_TEMP_FILES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/file_system.h"

namespace millrace {

class TempFiles {
 public:
  // The folder exists. `fs` must outlive this object.
  TempFiles(FileSystem* fs, std::string folder);
  // Removes every file that was named and is still there.
  ~TempFiles();
  TempFiles(const TempFiles&) = delete;
  TempFiles& operator=(const TempFiles&) = delete;

  std::string NewPath(std::string_view prefix);
  // Removes a file early, to give back its space.
  void Remove(const std::string& path);

  uint64_t count() const { return made_; }

 private:
  FileSystem* const fs_;
  const std::string folder_;
  uint64_t made_ = 0;
  std::vector<std::string> paths_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_TEMP_FILES_H_
