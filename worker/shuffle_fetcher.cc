#include "worker/shuffle_fetcher.h"

#include <glog/logging.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/failpoint.h"
#include "storage/paths.h"
#include "worker/run_check.h"

namespace millrace {

// What the I/O thread finds out about sources on this host.
struct ShuffleFetcher::Look {
  struct Item {
    MapSource source;
    TaskId map_task;
    std::string path;
    absl::Status usable = absl::UnavailableError("nobody has looked at it yet");
    std::optional<ReduceSource> found;  // none when the partition is empty
  };

  // Blocks.
  void Take(FileSystem& file_system, uint32_t partition) {
    for (Item& item : items) {
      const absl::StatusOr<OpenPartition> open =
          OpenPartitionOf(file_system, item.path, item.map_task, item.source.attempt, partition);
      item.usable = open.status();
      if (open.ok() && open->run.run_digest != item.source.digest) {
        item.usable = absl::DataLossError(item.path + ": is not what its attempt reported");
      }
      if (!item.usable.ok()) continue;
      if (open->run.partition.records == 0) continue;
      ReduceSource& found = item.found.emplace();
      found.map_index = item.source.map_index;
      found.path = item.path;
      found.whole_run = true;
      found.attempt = item.source.attempt;
      found.run_digest = item.source.digest;
      found.expected = open->run.partition;
      found.format = open->run.format;
    }
  }

  std::vector<Item> items;
};

ShuffleFetcher::ShuffleFetcher(const Host& host, ShuffleFetcherOptions options,
                               kj::Function<void()> on_change)
    : host_(host),
      options_(std::move(options)),
      on_change_(kj::mv(on_change)),
      plan_(options_.map_count, options_.plan),
      tasks_(*this) {}

void ShuffleFetcher::Publish(uint64_t version, const std::vector<MapSource>& sources,
                             const std::map<WorkerId, ShuffleAddress>& addresses) {
  plan_.Publish(version, sources, addresses);
  DropAbandoned();
  Advance();
  // The plan can be ready without further work: all outputs are still at hand, or there is none.
  tasks_.add(kj::evalLater([this]() { on_change_(); }));
}

void ShuffleFetcher::DropAbandoned() {
  for (auto fetching = fetching_.begin(); fetching != fetching_.end();) {
    const bool wanted = plan_.IsCurrent(fetching->second.source);
    fetching = wanted ? std::next(fetching) : fetching_.erase(fetching);
  }
}

void ShuffleFetcher::Advance() {
  std::vector<FetchOrder> looks;
  for (FetchOrder& order : plan_.Next()) {
    if (order.how == FetchHow::kInPlace && order.tries > 0) {
      tasks_.add(host_.timer.afterDelay(PauseBefore(order)).then([this, order]() {
        return LookAt({order});
      }));
    } else if (order.how == FetchHow::kInPlace) {
      looks.push_back(std::move(order));
    } else {
      tasks_.add(Fetch(order));
    }
  }
  if (!looks.empty()) tasks_.add(LookAt(std::move(looks)));
}

kj::Promise<void> ShuffleFetcher::LookAt(std::vector<FetchOrder> orders) {
  auto look = std::make_shared<Look>();
  for (const FetchOrder& order : orders) {
    Look::Item item;
    item.source = order.source;
    item.map_task = MakerOf(order.source);
    item.path = PathOf(order);
    look->items.push_back(std::move(item));
  }
  const uint32_t partition = options_.reduce.index;
  return host_.io
      .Run([look, &fs = host_.file_system, partition]() {
        look->Take(fs, partition);
        return absl::OkStatus();
      })
      .then([this, look](absl::Status) {  // with a full queue nobody has looked at any
        ReportLook(*look);
        Advance();
        on_change_();
      });
}

std::string ShuffleFetcher::PathOf(const FetchOrder& order) const {
  const TaskId map_task = MakerOf(order.source);
  return options_.plan.kept
             ? KeptOutputPath(options_.kept_folder, map_task, order.source.attempt)
             : MapOutputPath(order.from.scratch_folder, map_task, order.source.attempt);
}

void ShuffleFetcher::ReportLook(Look& look) {
  for (Look::Item& item : look.items) {
    const std::string message(item.usable.message());
    if (item.usable.ok()) {
      ++sources_taken_;
      const uint64_t bytes = item.found.has_value() ? item.found->expected.length : 0;
      plan_.OnReady(item.source, std::move(item.found), bytes);
    } else if (!options_.plan.kept) {
      plan_.OnNotInPlace(item.source);
    } else if (absl::IsNotFound(item.usable) || absl::IsDataLoss(item.usable)) {
      plan_.OnGone(item.source, message);
    } else {
      plan_.OnTrouble(item.source, message);
    }
  }
}

kj::Promise<void> ShuffleFetcher::Fetch(const FetchOrder& order) {
  auto canceler = kj::heap<kj::Canceler>();
  kj::Promise<FetchedPartition> fetch = canceler->wrap(FetchOnce(order));
  fetching_[order.source.map_index] = Fetching{order.source, kj::mv(canceler)};
  return fetch.then([this, source = order.source](
                        FetchedPartition fetched) { Report(source, std::move(fetched)); },
                    [](kj::Exception&&) {});  // abandoned
}

kj::Promise<FetchedPartition> ShuffleFetcher::FetchOnce(const FetchOrder& order) {
  const absl::Status allowed = CheckFailpoint(Failpoint::kReduceFetching, [&]() {
    return absl::StrCat(FailpointDetail(options_.reduce, options_.attempt),
                        " source=", TaskName(StageKind::kMap, order.source.map_index));
  });
  if (!allowed.ok()) {
    FetchedPartition trouble;
    trouble.message = std::string(allowed.message());
    return trouble;
  }
  PartitionFetchOptions options;
  options.map_index = order.source.map_index;
  options.map_task = MakerOf(order.source);
  options.attempt = order.source.attempt;
  options.partition = options_.reduce.index;
  options.received = &bytes_received_;
  options.path = JoinPath(options_.attempt_folder,
                          absl::StrCat("fetched-", order.source.map_index, "-",
                                       ToString(order.source.attempt), "-", order.tries));
  auto fetch = kj::heap<PartitionFetch>(host_.timer, host_.file_system, host_.io, options);
  if (order.tries == 0) {
    auto run = fetch->Run(host_.peers, order.from.address);
    return run.attach(kj::mv(fetch));
  }
  return host_.timer.afterDelay(PauseBefore(order))
      .then([this, fetch = kj::mv(fetch), address = order.from.address]() mutable {
        auto run = fetch->Run(host_.peers, address);
        return run.attach(kj::mv(fetch));
      });
}

// Seeded by what is fetched, so that a simulation repeats itself.
kj::Duration ShuffleFetcher::PauseBefore(const FetchOrder& order) const {
  Backoff backoff(options_.backoff, order.source.map_index * 31 + options_.reduce.index);
  for (uint32_t i = 1; i < order.tries; ++i) backoff.Next();
  return backoff.Next();
}

void ShuffleFetcher::Report(const MapSource& source, FetchedPartition fetched) {
  fetching_.erase(source.map_index);
  switch (fetched.end) {
    case FetchedPartition::End::kFetched:
      ++sources_taken_;
      plan_.OnReady(source, std::move(fetched.source), fetched.bytes);
      break;
    case FetchedPartition::End::kTrouble:
      LOG(INFO) << "fetching the output of map task " << source.map_index << " from "
                << source.worker << ": " << fetched.message;
      plan_.OnTrouble(source, fetched.message);
      break;
    case FetchedPartition::End::kUnreachable: plan_.OnUnreachable(source, fetched.message); break;
    case FetchedPartition::End::kGone: plan_.OnGone(source, fetched.message); break;
    case FetchedPartition::End::kLocalFailure:
      local_failure_ = absl::ResourceExhaustedError(fetched.message);
      break;
  }
  if (local_failure_.ok()) Advance();
  on_change_();
}

TaskId ShuffleFetcher::MakerOf(const MapSource& source) const {
  if (source.made_for.job.is_set()) return source.made_for;
  return TaskId{options_.reduce.job, options_.reduce.stage - 1, source.map_index};
}

void ShuffleFetcher::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "a fetch failed in an unexpected way: " << exception.getDescription().cStr();
}

}  // namespace millrace
