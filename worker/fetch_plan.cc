#include "worker/fetch_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/count_text.h"

namespace millrace {

FetchPlan::FetchPlan(uint32_t map_count, FetchPlanOptions options)
    : options_(std::move(options)), places_(map_count) {}

void FetchPlan::Publish(uint64_t version, const std::vector<MapSource>& sources,
                        const std::map<WorkerId, ShuffleAddress>& addresses) {
  version_ = std::max(version_, version);
  for (const MapSource& source : sources) {
    if (source.map_index >= places_.size()) continue;
    Place& place = places_[source.map_index];
    const auto from = addresses.find(source.worker);
    const bool known = from != addresses.end();
    if (!source.attempt.is_set() || (!known && !options_.kept)) {
      place.source = MapSource();
      SetState(State::kUnknown, &place);
      continue;
    }
    const bool same = place.state != State::kUnknown && place.source.attempt == source.attempt &&
                      place.source.worker == source.worker;
    if (!same) Accept(source, known ? from->second : ShuffleAddress(), &place);
  }
}

void FetchPlan::Accept(const MapSource& source, const ShuffleAddress& from, Place* place) {
  place->source = source;
  place->from = from;
  place->tries = 0;
  if (place->held && place->held_here && place->held_digest == source.digest) {
    if (place->reduce_source.has_value()) place->reduce_source->attempt = source.attempt;
    SetState(State::kReady, place);
    return;
  }
  place->held = false;
  SetState(State::kWaiting, place);
  place->how = HowToGet(from);
}

FetchHow FetchPlan::HowToGet(const ShuffleAddress& from) const {
  const bool here = options_.mode == ShuffleMode::kAuto && from.host_id == options_.host_id;
  return here || options_.kept ? FetchHow::kInPlace : FetchHow::kNetwork;
}

std::vector<FetchOrder> FetchPlan::Next() {
  std::vector<FetchOrder> orders;
  if (failure_.has_value()) return orders;
  while (first_waiting_ < places_.size() && places_[first_waiting_].state != State::kWaiting) {
    ++first_waiting_;
  }
  for (size_t i = first_waiting_; i < places_.size(); ++i) {
    const bool fetches_full =
        working_[static_cast<int>(FetchHow::kNetwork)] >= options_.max_fetches;
    const bool looks_full = working_[static_cast<int>(FetchHow::kInPlace)] >= options_.max_looks;
    if (fetches_full && looks_full) break;
    Place& place = places_[i];
    if (place.state != State::kWaiting) continue;
    if (place.how == FetchHow::kNetwork ? fetches_full : looks_full) continue;
    SetState(State::kWorking, &place);
    orders.push_back(FetchOrder{place.source, place.from, place.how, place.tries});
  }
  return orders;
}

bool FetchPlan::IsCurrent(const MapSource& source) const {
  if (source.map_index >= places_.size() || failure_.has_value()) return false;
  const Place& place = places_[source.map_index];
  return place.state == State::kWorking && place.source.attempt == source.attempt &&
         place.source.worker == source.worker;
}

void FetchPlan::OnReady(const MapSource& source, std::optional<ReduceSource> ready,
                        uint64_t bytes) {
  Place* const place = Working(source);
  if (place == nullptr) return;
  place->held = true;
  place->held_digest = source.digest;
  place->held_here = place->how == FetchHow::kNetwork;
  place->reduce_source = std::move(ready);
  place->bytes = bytes;
  SetState(State::kReady, place);
}

void FetchPlan::OnNotInPlace(const MapSource& source) {
  Place* const place = Working(source);
  if (place == nullptr) return;
  SetState(State::kWaiting, place);
  place->how = FetchHow::kNetwork;
}

void FetchPlan::OnTrouble(const MapSource& source, const std::string& message) {
  Place* const place = Working(source);
  if (place == nullptr) return;
  SetState(State::kWaiting, place);
  if (++place->tries >= options_.max_tries) {
    Fail(source, absl::StrCat(message, " (tried ", CountText(place->tries, "time"), ")"));
  }
}

void FetchPlan::OnUnreachable(const MapSource& source, const std::string& message) {
  if (Working(source) != nullptr) Fail(source, message, /*unreachable=*/true);
}

void FetchPlan::OnGone(const MapSource& source, const std::string& message) {
  if (Working(source) != nullptr) Fail(source, message);
}

std::vector<ReduceSource> FetchPlan::Sources() const {
  std::vector<ReduceSource> sources;
  sources.reserve(places_.size());
  for (const Place& place : places_) {
    if (place.reduce_source.has_value()) sources.push_back(*place.reduce_source);
  }
  return sources;
}

uint64_t FetchPlan::bytes() const {
  uint64_t bytes = 0;
  for (const Place& place : places_) {
    if (place.state == State::kReady) bytes += place.bytes;
  }
  return bytes;
}

void FetchPlan::SetState(State state, Place* place) {
  if (place->state == State::kReady) --ready_;
  if (place->state == State::kWorking) --working_[static_cast<int>(place->how)];
  place->state = state;
  if (state == State::kReady) ++ready_;
  if (state == State::kWorking) ++working_[static_cast<int>(place->how)];
  if (state == State::kWaiting) {
    first_waiting_ = std::min(first_waiting_, static_cast<size_t>(place - places_.data()));
  }
}

FetchPlan::Place* FetchPlan::Working(const MapSource& source) {
  return IsCurrent(source) ? &places_[source.map_index] : nullptr;
}

void FetchPlan::Fail(const MapSource& source, const std::string& message, bool unreachable) {
  failure_ = FetchFailure{
      source,
      absl::StrCat("the output of map task ", source.map_index, " (", ToString(source.attempt),
                   " on ", ToString(source.worker), ") cannot be read: ", message),
      unreachable};
}

}  // namespace millrace
