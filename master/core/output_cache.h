// Map outputs that outlive the job that made them, for later jobs whose maps would give the same:
// which there are, on which worker, and who uses them.
//
// An output is found by its fingerprint, which stands for everything that a map's output depends
// on. It goes when the cache is full, the oldest first; but one that an unfinished job uses stays
// until that job lets go of it, found or not. Whoever changes the cache tells the workers what
// TakeDropped says.
//
// Nothing of it is in the journal: a new master begins with what its unfinished jobs use. Its order
// is that of the calls alone, like everything in the core. One thread.
#ifndef MILLRACE_MASTER_CORE_OUTPUT_CACHE_H_
#define MILLRACE_MASTER_CORE_OUTPUT_CACHE_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "rpc/ids.h"
#include "rpc/task_types.h"
#include "storage/digest.h"

namespace millrace {

struct RetainedOutput {
  TaskId task;  // that it was made for
  AttemptId attempt;
  WorkerId worker;
  Digest digest;
  AttemptStats stats;  // of the map, with the size of the output
  std::map<std::string, int64_t> counters;
};

class OutputCache {
 public:
  struct Limits {
    uint64_t bytes = 0;  // 0: nothing is retained
    uint64_t outputs = 0;
  };

  explicit OutputCache(const Limits& limits) : limits_(limits) {}

  // Null when there is none.
  const RetainedOutput* Find(const Digest& fingerprint) const;
  // Also one that can no longer be found by its fingerprint.
  bool Has(const AttemptId& attempt) const { return entries_.count(attempt) > 0; }

  // The newest now, also if it was here. Takes the place of another with this fingerprint.
  void Retain(const Digest& fingerprint, const RetainedOutput& output);
  // An unfinished job reads it: it stays until LetGo. Need not be here yet.
  void Use(const RetainedOutput& output);
  void LetGo(const AttemptId& attempt);
  // It is damaged, or nobody can reach it: it is not to be found any more.
  void Hide(const AttemptId& attempt);
  // It is not there any more, whoever uses it.
  void Forget(const AttemptId& attempt);
  void ForgetWorker(WorkerId worker);

  // What was let go of, evicted or replaced since the last call: to be deleted on its worker.
  std::map<WorkerId, std::vector<std::pair<TaskId, AttemptId>>> TakeDropped() {
    return std::exchange(dropped_, {});
  }

  std::vector<RetainedOutput> OutputsOn(WorkerId worker) const;
  std::vector<RetainedOutput> Outputs() const;
  uint64_t bytes() const { return bytes_; }  // of those that can be found

 private:
  using Key = std::pair<uint64_t, uint64_t>;  // a fingerprint, in an order

  struct Entry {
    RetainedOutput output;
    bool found = false;  // under `key`
    Key key;
    uint64_t age = 0;    // grows with every Retain
    uint32_t users = 0;  // unfinished jobs
  };

  static Key KeyOf(const Digest& fingerprint) { return {fingerprint.high, fingerprint.low}; }
  Entry& Add(const RetainedOutput& output);
  void Erase(const AttemptId& attempt);
  void HideEntry(Entry* entry);
  void DropIfUnneeded(const AttemptId& attempt);
  void Evict();

  const Limits limits_;
  uint64_t last_age_ = 0;
  uint64_t bytes_ = 0;
  absl::btree_map<AttemptId, Entry> entries_;
  absl::btree_map<WorkerId, absl::btree_set<AttemptId>> on_worker_;  // the keys of entries_
  absl::btree_map<Key, AttemptId> found_;
  absl::btree_map<uint64_t, AttemptId> idle_;  // found and not used, by age
  std::map<WorkerId, std::vector<std::pair<TaskId, AttemptId>>> dropped_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_OUTPUT_CACHE_H_
