// Gets the sources of one reduce attempt, as its FetchPlan decides: looks at files on this host,
// fetches the others from their workers, tries again after trouble.
//
// Fetched partitions lie in the attempt's folder. Destroying the fetcher abandons what is under
// way. Lives on one event loop; files are touched through `io` alone.
#ifndef MILLRACE_WORKER_SHUFFLE_FETCHER_H_
#define MILLRACE_WORKER_SHUFFLE_FETCHER_H_

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "rpc/backoff.h"
#include "rpc/io_thread.h"
#include "storage/file_system.h"
#include "worker/fetch_plan.h"
#include "worker/partition_fetch.h"
#include "worker/peer_pool.h"

namespace millrace {

struct ShuffleFetcherOptions {
  TaskId reduce;
  AttemptId attempt;
  uint32_t map_count = 0;
  std::string attempt_folder;  // exists
  std::string kept_folder;     // where the outputs lie, if the job keeps them (plan.kept)
  FetchPlanOptions plan;
  BackoffOptions backoff;
};

class ShuffleFetcher final : private kj::TaskSet::ErrorHandler {
 public:
  // What fetchers share; all must outlive them.
  struct Host {
    kj::Timer& timer;
    FileSystem& file_system;
    BlockingRunner& io;
    PeerPool& peers;
  };

  // `on_change` is called, never from within Publish, when the plan may have become ready or failed
  // or a local failure has come up. It may destroy this object only later, not at once.
  ShuffleFetcher(const Host& host, ShuffleFetcherOptions options, kj::Function<void()> on_change);
  KJ_DISALLOW_COPY(ShuffleFetcher);

  void Publish(uint64_t version, const std::vector<MapSource>& sources,
               const std::map<WorkerId, ShuffleAddress>& addresses);

  void ForgetVersion() { plan_.ForgetVersion(); }

  const FetchPlan& plan() const { return plan_; }
  // Grows with each source that is at hand, and with each byte that arrives of one that is not yet:
  // over a slow link, or from a slow disk, a single one may take minutes.
  uint64_t steps() const { return sources_taken_ + bytes_received_; }
  // Not OK when this host cannot hold what is fetched.
  const absl::Status& local_failure() const { return local_failure_; }

 private:
  struct Look;

  void Advance();
  void DropAbandoned();
  kj::Promise<void> LookAt(std::vector<FetchOrder> orders);
  std::string PathOf(const FetchOrder& order) const;
  void ReportLook(Look& look);
  kj::Promise<void> Fetch(const FetchOrder& order);
  kj::Promise<FetchedPartition> FetchOnce(const FetchOrder& order);
  void Report(const MapSource& source, FetchedPartition fetched);
  kj::Duration PauseBefore(const FetchOrder& order) const;
  // The task for which a source was made: of this job, or of an earlier one.
  TaskId MakerOf(const MapSource& source) const;
  void taskFailed(kj::Exception&& exception) override;

  const Host host_;
  const ShuffleFetcherOptions options_;
  kj::Function<void()> on_change_;
  FetchPlan plan_;
  absl::Status local_failure_;
  uint64_t sources_taken_ = 0;
  uint64_t bytes_received_ = 0;
  // Fetches under way, by map index.
  struct Fetching {
    MapSource source;
    kj::Own<kj::Canceler> canceler;
  };
  std::map<uint32_t, Fetching> fetching_;
  kj::TaskSet tasks_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_SHUFFLE_FETCHER_H_
