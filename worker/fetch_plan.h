// Decides what a reduce attempt does next to get its sources, one partition of every map output.
//
// The master says where the outputs are, and again whenever one is lost or has moved. The plan says
// which to look at in place (on this host, when the job allows it; always where the job keeps its
// outputs, whoever made them), which to fetch and when to try again; its shell does so and reports
// back. A source that fails for good, or too often, ends the
// attempt and is named.
//
// Pure: no I/O, no clock, no promises. Reports about an attempt that is no longer the source of its
// map are ignored. One thread.
#ifndef MILLRACE_WORKER_FETCH_PLAN_H_
#define MILLRACE_WORKER_FETCH_PLAN_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rpc/task_types.h"
#include "worker/engine/reduce_task.h"

namespace millrace {

enum class FetchHow : uint8_t { kInPlace, kNetwork };

// One thing to do now.
struct FetchOrder {
  MapSource source;
  ShuffleAddress from;
  FetchHow how = FetchHow::kNetwork;
  uint32_t tries = 0;  // that failed so far: wait before this one accordingly
};

// The source that ends the attempt.
struct FetchFailure {
  MapSource source;
  std::string message;
  bool unreachable = false;  // its worker is, so that nothing is known of the source
};

struct FetchPlanOptions {
  ShuffleMode mode = ShuffleMode::kAuto;
  std::string host_id;  // of this worker
  // The job keeps its outputs where all hosts see them: no worker is asked for any.
  bool kept = false;
  // Sources fetched at a time: enough to keep a link busy while others answer slowly.
  size_t max_fetches = 4;
  // Sources looked at in place at a time; each costs one file.
  size_t max_looks = 64;
  // With back-off some 3 s: longer than a restart of a connection, shorter than a lease.
  uint32_t max_tries = 6;
};

class FetchPlan {
 public:
  FetchPlan(uint32_t map_count, FetchPlanOptions options);

  // The master's news, in the order in which it sent them. `addresses` has the worker of every
  // source that is not lost; one without an address counts as lost, unless outputs are kept.
  void Publish(uint64_t version, const std::vector<MapSource>& sources,
               const std::map<WorkerId, ShuffleAddress>& addresses);

  // The master counts versions anew.
  void ForgetVersion() { version_ = 0; }

  // What to begin now. Each order ends with exactly one report, or is abandoned (see IsCurrent).
  std::vector<FetchOrder> Next();
  // Whether work on `source` is still wanted.
  bool IsCurrent(const MapSource& source) const;

  // The reports. `bytes`: of the partition. An empty partition has no source to read.
  void OnReady(const MapSource& source, std::optional<ReduceSource> ready, uint64_t bytes);
  // It cannot be read in place, for whatever reason: it will be fetched. Not for kept outputs.
  void OnNotInPlace(const MapSource& source);
  // The peer cannot be reached, although it was tried for long enough: the attempt ends, since what
  // else is there would only be found out one by one.
  void OnUnreachable(const MapSource& source, const std::string& message);
  // The peer, or the file system, is slow, or broke off: it may be tried again.
  void OnTrouble(const MapSource& source, const std::string& message);
  // The peer does not have it, or what it has is damaged; or so is a kept output.
  void OnGone(const MapSource& source, const std::string& message);

  // All sources are at hand, as of version().
  bool ready() const { return ready_ == places_.size() && !failure_.has_value(); }
  uint64_t version() const { return version_; }
  // In the order of maps. Only when ready().
  std::vector<ReduceSource> Sources() const;
  uint64_t bytes() const;

  // Set once; nothing more is ordered then.
  const std::optional<FetchFailure>& failure() const { return failure_; }

 private:
  enum class State : uint8_t { kUnknown, kWaiting, kWorking, kReady };

  struct Place {
    State state = State::kUnknown;
    FetchHow how = FetchHow::kNetwork;
    uint32_t tries = 0;
    MapSource source;
    ShuffleAddress from;
    // What is at hand, from whichever source it came; kept when the source is lost, because its
    // successor normally has the same content.
    bool held = false;
    Digest held_digest;
    bool held_here = false;  // a copy of our own
    std::optional<ReduceSource> reduce_source;
    uint64_t bytes = 0;
  };

  void Accept(const MapSource& source, const ShuffleAddress& from, Place* place);
  FetchHow HowToGet(const ShuffleAddress& from) const;
  void SetState(State state, Place* place);
  Place* Working(const MapSource& source);
  void Fail(const MapSource& source, const std::string& message, bool unreachable = false);

  const FetchPlanOptions options_;
  std::vector<Place> places_;  // by map index
  size_t ready_ = 0;
  size_t working_[2] = {0, 0};  // by FetchHow
  size_t first_waiting_ = 0;    // no place before it waits
  uint64_t version_ = 0;
  std::optional<FetchFailure> failure_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_FETCH_PLAN_H_
