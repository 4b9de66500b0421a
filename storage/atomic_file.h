// A file that appears under its name only when it is complete.
//
//   MILLRACE_ASSIGN_OR_RETURN(auto part, AtomicFile::Create(fs, path));
//   MILLRACE_RETURN_IF_ERROR(part->Append(data));     // any number of times, large pieces
//   MILLRACE_RETURN_IF_ERROR(part->Commit(AtomicFile::kDurable));
//
// Until Commit the content lies under TemporaryName(path); an AtomicFile that goes without a
// successful Commit removes it. After any error the only thing left to do is to let it go. The
// FileSystem must outlive it. One thread; not for two writers of one path at a time.
#ifndef MILLRACE_STORAGE_ATOMIC_FILE_H_
#define MILLRACE_STORAGE_ATOMIC_FILE_H_

#include <memory>
#include <string>
#include <string_view>

#include "storage/file_system.h"

namespace millrace {

class AtomicFile {
 public:
  enum Durability {
    kDurable,     // survives a crash of the host: costs a sync of the file and one of the folder
    kNotDurable,  // for what can be computed again: a crash may lose or cut it
  };

  // The folder of `path` must exist.
  static absl::StatusOr<std::unique_ptr<AtomicFile>> Create(FileSystem& fs,
                                                            const std::string& path);

  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  absl::Status Append(std::string_view data);

  // Gives the file its name, replacing what was there. At most once.
  absl::Status Commit(Durability durability);

  // Bytes appended so far.
  uint64_t size() const { return size_; }

 private:
  AtomicFile(FileSystem& fs, const std::string& path);

  FileSystem& fs_;
  const std::string path_;
  const std::string temporary_path_;
  std::unique_ptr<WritableFile> file_;  // null once it has its name
  uint64_t size_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_STORAGE_ATOMIC_FILE_H_
