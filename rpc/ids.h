// The names of things in a cluster, each with a type of its own.
//
// All are plain values: they copy, compare, hash, print and travel. None is ever reused.
#ifndef MILLRACE_RPC_IDS_H_
#define MILLRACE_RPC_IDS_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>

namespace millrace {

// An integer that only compares with its own kind.
template <typename Tag>
class StrongId {
 public:
  constexpr StrongId() = default;
  constexpr explicit StrongId(uint64_t value) : value_(value) {}

  constexpr uint64_t value() const { return value_; }
  // Zero stands for "none" and is never handed out.
  constexpr bool is_set() const { return value_ != 0; }

  friend constexpr bool operator==(StrongId a, StrongId b) { return a.value_ == b.value_; }
  friend constexpr bool operator!=(StrongId a, StrongId b) { return a.value_ != b.value_; }
  friend constexpr bool operator<(StrongId a, StrongId b) { return a.value_ < b.value_; }
  friend std::ostream& operator<<(std::ostream& out, StrongId id) {
    return out << Tag::kPrefix << id.value_;
  }
  template <typename H>
  friend H AbslHashValue(H h, StrongId id) {
    return H::combine(std::move(h), id.value_);
  }

 private:
  uint64_t value_ = 0;
};

struct JobTag {
  static constexpr char kPrefix[] = "job-";
};
struct WorkerTag {
  static constexpr char kPrefix[] = "worker-";
};
struct IncarnationTag {
  static constexpr char kPrefix[] = "incarnation-";
};
struct EpochTag {
  static constexpr char kPrefix[] = "epoch-";
};

using JobId = StrongId<JobTag>;
// One life of one worker process, numbered by the master when the worker registers.
using WorkerId = StrongId<WorkerTag>;
// Drawn at random by a worker process when it starts: tells a restarted worker from the old one.
using Incarnation = StrongId<IncarnationTag>;
// One life of the master. Epochs grow within one cluster id.
using Epoch = StrongId<EpochTag>;

struct TaskId {
  JobId job;
  uint32_t stage = 0;
  uint32_t index = 0;

  friend bool operator==(const TaskId& a, const TaskId& b) {
    return a.job == b.job && a.stage == b.stage && a.index == b.index;
  }
  friend bool operator!=(const TaskId& a, const TaskId& b) { return !(a == b); }
  friend bool operator<(const TaskId& a, const TaskId& b) {
    return std::tie(a.job, a.stage, a.index) < std::tie(b.job, b.stage, b.index);
  }
  friend std::ostream& operator<<(std::ostream& out, const TaskId& id) {
    return out << id.job << "/" << id.stage << "/" << id.index;
  }
  template <typename H>
  friend H AbslHashValue(H h, const TaskId& id) {
    return H::combine(std::move(h), id.job, id.stage, id.index);
  }
};

// Names one attempt for ever: the epoch that launched it and a number within that epoch. It stays
// valid when a later epoch adopts the attempt.
struct AttemptId {
  Epoch epoch;
  uint64_t sequence = 0;

  bool is_set() const { return epoch.is_set(); }

  friend bool operator==(const AttemptId& a, const AttemptId& b) {
    return a.epoch == b.epoch && a.sequence == b.sequence;
  }
  friend bool operator!=(const AttemptId& a, const AttemptId& b) { return !(a == b); }
  friend bool operator<(const AttemptId& a, const AttemptId& b) {
    return std::tie(a.epoch, a.sequence) < std::tie(b.epoch, b.sequence);
  }
  friend std::ostream& operator<<(std::ostream& out, const AttemptId& id) {
    return out << "attempt-" << id.epoch.value() << "-" << id.sequence;
  }
  template <typename H>
  friend H AbslHashValue(H h, const AttemptId& id) {
    return H::combine(std::move(h), id.epoch, id.sequence);
  }
};

// "job-3", "worker-2", "attempt-1-17": as the stream operators print them.
std::string ToString(JobId id);
std::string ToString(WorkerId id);
std::string ToString(const AttemptId& id);

}  // namespace millrace

#endif  // MILLRACE_RPC_IDS_H_
