// The folder in which a master keeps what must survive it: a lock, its identity and its journal.
//
// While the object lives, no other master can open the same folder (an advisory lock that the
// kernel drops when the process dies, so nothing stale is ever left). Opening it makes a new epoch
// durable: two lives of a master never have the same one.
#ifndef MILLRACE_MASTER_STATE_FOLDER_H_
#define MILLRACE_MASTER_STATE_FOLDER_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/ids.h"
#include "storage/file_system.h"

namespace millrace {

class StateFolder {
 public:
  // Creates `folder` if need be. kFailedPrecondition when another master uses it; the message names
  // that master's process and host. kInvalidArgument names the flag when nothing can be written
  // there.
  static absl::StatusOr<std::unique_ptr<StateFolder>> Open(FileSystem& fs,
                                                           const std::string& folder);
  ~StateFolder();
  StateFolder(const StateFolder&) = delete;
  StateFolder& operator=(const StateFolder&) = delete;

  // 32 hexadecimal digits, drawn when the folder was first used.
  const std::string& cluster_id() const { return cluster_id_; }
  // Of this life of the master.
  Epoch epoch() const { return epoch_; }
  std::string journal_path() const;

 private:
  StateFolder(std::string folder, int lock) : folder_(std::move(folder)), lock_(lock) {}

  absl::Status ReadIdentity(FileSystem& fs);
  absl::Status WriteIdentity(FileSystem& fs) const;

  const std::string folder_;
  const int lock_;  // file descriptor
  std::string cluster_id_;
  Epoch epoch_;
};

// A new cluster id, from the kernel's random numbers: for a cluster without a state folder.
std::string DrawClusterId();

}  // namespace millrace

#endif  // MILLRACE_MASTER_STATE_FOLDER_H_
