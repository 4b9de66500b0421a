// How edits are written, read and printed. The fields of each edit are listed once, in the Walk
// functions; writer, reader and printer all walk that list and so cannot disagree.
#include "master/core/edits.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

// An entry is this byte, the index of the edit's kind in JobEdit, then its fields. Integers are
// varints (signed ones zig-zag), strings a length and bytes. Earlier versions lack the fields that
// HasFieldsOf guards: they are read as their defaults.
constexpr uint8_t kFormatVersion = 3;
constexpr uint8_t kOldestFormatVersion = 1;

// In templates below, `T` is const for the writer and the printer.
template <typename T, typename Plain>
using If = std::enable_if_t<std::is_same_v<std::remove_const_t<T>, Plain>, int>;

template <typename W, typename T, If<T, JobAccepted> = 0>
void Walk(W& walk, T& e) {
  walk(e.job, e.plan, e.wall_us, e.spec);
  if (walk.HasFieldsOf(3)) walk(e.fingerprints);
}
template <typename W, typename T, If<T, WorkerRegistered> = 0>
void Walk(W& walk, T& e) {
  walk(e.worker, e.incarnation, e.name);
}
template <typename W, typename T, If<T, WorkerLost> = 0>
void Walk(W& walk, T& e) {
  walk(e.worker);
}
template <typename W, typename T, If<T, AttemptStarted> = 0>
void Walk(W& walk, T& e) {
  walk(e.attempt, e.task, e.worker, e.reason, e.wall_us);
}
template <typename W, typename T, If<T, AttemptEnded> = 0>
void Walk(W& walk, T& e) {
  walk(e.attempt, e.task, e.cause, e.wall_us, e.message);
  if (walk.HasFieldsOf(2)) walk(e.record);
}
template <typename W, typename T, If<T, TaskDone> = 0>
void Walk(W& walk, T& e) {
  walk(e.attempt, e.task, e.wall_us, e.digest, e.stats, e.counters);
  if (walk.HasFieldsOf(3)) walk(e.heavy_keys);
}
template <typename W, typename T, If<T, OutputLost> = 0>
void Walk(W& walk, T& e) {
  walk(e.attempt, e.task);
}
template <typename W, typename T, If<T, JobPublishing> = 0>
void Walk(W& walk, T& e) {
  walk(e.job);
}
template <typename W, typename T, If<T, JobEnded> = 0>
void Walk(W& walk, T& e) {
  walk(e.job, e.state, e.wall_us, e.error);
}
template <typename W, typename T, If<T, JobFolded> = 0>
void Walk(W& walk, T& e) {
  walk(e.summary);
}
template <typename W, typename T, If<T, RecordSkipped> = 0>
void Walk(W& walk, T& e) {
  walk(e.task, e.record);
}
template <typename W, typename T, If<T, OutputReused> = 0>
void Walk(W& walk, T& e) {
  walk(e.task, e.made_for, e.attempt, e.worker, e.digest, e.stats, e.counters);
}
template <typename W, typename T, If<T, TaskId> = 0>
void Walk(W& walk, T& id) {
  walk(id.job, id.stage, id.index);
}
template <typename W, typename T, If<T, AttemptId> = 0>
void Walk(W& walk, T& id) {
  walk(id.epoch, id.sequence);
}
template <typename W, typename T, If<T, JobPlan> = 0>
void Walk(W& walk, T& p) {
  walk(p.name, p.request_id, p.output_folder, p.map_count, p.reducers, p.max_attempts);
  if (walk.HasFieldsOf(2)) {
    walk(p.skip_bad_records, p.speculation_floor_ms, p.progress_timeout_ms, p.keeps_outputs);
  }
  if (walk.HasFieldsOf(3)) walk(p.reads, p.feeds);
}
template <typename W, typename T, If<T, InputRecord> = 0>
void Walk(W& walk, T& r) {
  walk(r.file, r.offset, r.bytes);
}
template <typename W, typename T, If<T, AttemptStats> = 0>
void Walk(W& walk, T& s) {
  walk(s.input_bytes, s.input_records, s.shuffled_bytes, s.output_bytes, s.output_records, s.spills,
       s.cpu_us, s.wall_us, s.peak_memory_bytes);
}
template <typename W, typename T, If<T, JobSummary> = 0>
void Walk(W& walk, T& s) {
  walk(s.job, s.plan, s.state, s.error, s.accepted_wall_us, s.ended_wall_us);
  for (auto& count : s.started) walk(count);
  for (auto& count : s.ended) walk(count);
  for (auto& count : s.tasks_done) walk(count);
  walk(s.stale_reports, s.workers_joined, s.workers_lost, s.stats, s.counters);
  if (walk.HasFieldsOf(2)) walk(s.recovery, s.recovery_dropped, s.skipped_records);
  if (walk.HasFieldsOf(3)) {
    walk(s.map_outputs_reused);
    for (auto& stats : s.stage_stats) walk(stats);
    walk(s.skew.total_bytes, s.skew.median_bytes, s.skew.parts, s.skew.more_parts);
  }
}
template <typename W, typename T, If<T, HeavyKey> = 0>
void Walk(W& walk, T& k) {
  walk(k.key, k.is_cut, k.records, k.bytes);
}
template <typename W, typename T, If<T, SkewedPart> = 0>
void Walk(W& walk, T& p) {
  walk(p.part, p.bytes, p.keys);
}
template <typename W, typename T, If<T, LossNoticed> = 0>
void Walk(W& walk, T& e) {
  walk(e.job, e.what, e.noticed_by, e.wall_us, e.subject);
}
template <typename W, typename T, If<T, RecoveryEntry> = 0>
void Walk(W& walk, T& e) {
  walk(e.what, e.noticed_by, e.wall_us, e.subject, e.attempts_lost, e.outputs_lost, e.cpu_us_again,
       e.bytes_again);
}

class Writer {
 public:
  explicit Writer(std::string* out) : out_(out) {}

  bool HasFieldsOf(uint8_t) const { return true; }

  template <typename... Fields>
  void operator()(const Fields&... fields) {
    (Put(fields), ...);
  }

 private:
  template <typename T>
  void Put(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      Put(static_cast<uint64_t>(value));
    } else if constexpr (std::is_unsigned_v<T>) {
      PutVarint(value);
    } else {
      Walk(*this, value);
    }
  }
  template <typename Tag>
  void Put(const StrongId<Tag>& id) {
    PutVarint(id.value());
  }
  void Put(const int64_t& value) {
    PutVarint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void Put(const std::string& text) {
    PutVarint(text.size());
    out_->append(text);
  }
  void Put(const Digest& digest) {
    PutFixed(digest.high);
    PutFixed(digest.low);
  }
  void Put(const std::map<std::string, int64_t>& counters) {
    PutVarint(counters.size());
    for (const auto& [name, value] : counters) (*this)(name, value);
  }
  void Put(const std::deque<RecoveryEntry>& entries) {
    PutVarint(entries.size());
    for (const RecoveryEntry& entry : entries) Walk(*this, entry);
  }
  void Put(const std::vector<Digest>& digests) {
    PutVarint(digests.size());
    for (const Digest& digest : digests) Put(digest);
  }
  template <typename T>
  void Put(const std::vector<T>& values) {
    PutVarint(values.size());
    for (const T& value : values) Walk(*this, value);
  }

  void PutVarint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_->push_back(static_cast<char>(value | 0x80));
    out_->push_back(static_cast<char>(value));
  }
  void PutFixed(uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) out_->push_back(static_cast<char>(value >> shift));
  }

  std::string* out_;
};

class Reader {
 public:
  Reader(uint8_t version, std::string_view bytes) : version_(version), rest_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  // Whether entries of this one's format have what format `version` added.
  bool HasFieldsOf(uint8_t version) const { return version_ >= version; }

  template <typename... Fields>
  void operator()(Fields&... fields) {
    (Get(fields), ...);
  }

 private:
  template <typename T>
  void Get(T& value) {
    if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(GetVarint(Last(value)));
    } else if constexpr (std::is_unsigned_v<T>) {
      value = static_cast<T>(GetVarint(std::numeric_limits<T>::max()));
    } else {
      Walk(*this, value);
    }
  }
  template <typename Tag>
  void Get(StrongId<Tag>& id) {
    id = StrongId<Tag>(GetVarint(std::numeric_limits<uint64_t>::max()));
  }
  void Get(int64_t& value) {
    const uint64_t bits = GetVarint(std::numeric_limits<uint64_t>::max());
    value = static_cast<int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
  }
  void Get(std::string& text) {
    const size_t length = GetVarint(rest_.size());
    text.assign(rest_.substr(0, length));
    rest_.remove_prefix(std::min(length, rest_.size()));
  }
  void Get(Digest& digest) {
    digest.high = GetFixed();
    digest.low = GetFixed();
  }
  void Get(std::map<std::string, int64_t>& counters) {
    // An entry takes two bytes at least, so a damaged count cannot make this loop long.
    for (uint64_t left = GetVarint(rest_.size() / 2); left > 0 && ok_; --left) {
      std::string name;
      int64_t value = 0;
      (*this)(name, value);
      counters.emplace(std::move(name), value);
    }
  }
  void Get(std::deque<RecoveryEntry>& entries) {
    // An entry takes eight bytes at least.
    for (uint64_t left = GetVarint(rest_.size() / 8); left > 0 && ok_; --left) {
      Walk(*this, entries.emplace_back());
    }
  }
  void Get(std::vector<Digest>& digests) {
    for (uint64_t left = GetVarint(rest_.size() / 16); left > 0 && ok_; --left) {
      Get(digests.emplace_back());
    }
  }
  template <typename T>
  void Get(std::vector<T>& values) {
    // A record, a key or a part takes three bytes at least.
    for (uint64_t left = GetVarint(rest_.size() / 3); left > 0 && ok_; --left) {
      Walk(*this, values.emplace_back());
    }
  }

  static uint64_t Last(Reason) { return kReasonCount - 1; }
  static uint64_t Last(Cause) { return kCauseCount - 1; }
  static uint64_t Last(LossKind) { return kLossKindCount - 1; }
  static uint64_t Last(NoticedBy) { return kNoticedByCount - 1; }
  static uint64_t Last(JobState) { return static_cast<uint64_t>(JobState::kCancelled); }

  // Zero, and ok() is false from now on, when there is none or it is larger than `max`.
  uint64_t GetVarint(uint64_t max) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const uint64_t byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (value <= max) return value;
        break;
      }
    }
    ok_ = false;
    return 0;
  }
  uint64_t GetFixed() {
    if (rest_.size() < 8) {
      ok_ = false;
      return 0;
    }
    uint64_t value = 0;
    for (int i = 7; i >= 0; --i) value = (value << 8) | static_cast<uint8_t>(rest_[i]);
    rest_.remove_prefix(8);
    return value;
  }

  const uint8_t version_;
  std::string_view rest_;
  bool ok_ = true;
};

class Printer {
 public:
  bool HasFieldsOf(uint8_t) const { return true; }

  template <typename... Fields>
  void operator()(const Fields&... fields) {
    (Print(fields), ...);
  }
  std::string str() const { return out_.str(); }

 private:
  template <typename T>
  void Print(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      Item() << Name(value);
    } else if constexpr (std::is_integral_v<T>) {
      Item() << value;
    } else {
      Walk(*this, value);
    }
  }
  template <typename Tag>
  void Print(const StrongId<Tag>& id) {
    Item() << id;
  }
  void Print(const TaskId& id) { Item() << id; }
  void Print(const AttemptId& id) { Item() << id; }
  void Print(const Digest& digest) { Item() << digest; }
  // Long texts are opaque bytes.
  void Print(const std::string& text) {
    if (text.size() > 400) {
      Item() << "(" << text.size() << " bytes)";
    } else {
      Item() << '"' << text << '"';
    }
  }
  void Print(const std::map<std::string, int64_t>& counters) {
    for (const auto& [name, value] : counters) Item() << name << "=" << value;
  }
  void Print(const std::deque<RecoveryEntry>& entries) {
    for (const RecoveryEntry& entry : entries) Walk(*this, entry);
  }
  void Print(const std::vector<Digest>& digests) {
    if (!digests.empty()) Item() << "(" << digests.size() << " fingerprints)";
  }
  template <typename T>
  void Print(const std::vector<T>& values) {
    for (const T& value : values) Walk(*this, value);
  }

  std::ostream& Item() {
    if (!first_) out_ << ", ";
    first_ = false;
    return out_;
  }

  std::ostringstream out_;
  bool first_ = true;
};

const char* NameOf(const JobEdit& edit) {
  static constexpr const char* kNames[] = {
      "AttemptStarted",   "AttemptEnded",  "TaskDone",      "OutputLost", "JobAccepted",
      "WorkerRegistered", "WorkerLost",    "JobPublishing", "JobEnded",   "JobFolded",
      "LossNoticed",      "RecordSkipped", "OutputReused"};
  static_assert(std::size(kNames) == std::variant_size_v<JobEdit>);
  return kNames[edit.index()];
}

// The edit of kind number `kind` with all its fields at their defaults.
template <size_t kIndex = 0>
bool MakeKind(uint8_t kind, JobEdit* edit) {
  if constexpr (kIndex < std::variant_size_v<JobEdit>) {
    if (kind != kIndex) return MakeKind<kIndex + 1>(kind, edit);
    edit->emplace<kIndex>();
    return true;
  }
  return false;
}

}  // namespace

void EncodeTo(const JobEdit& edit, std::string* out) {
  out->push_back(static_cast<char>(kFormatVersion));
  out->push_back(static_cast<char>(edit.index()));
  Writer writer(out);
  std::visit([&writer](const auto& e) { Walk(writer, e); }, edit);
}

absl::StatusOr<JobEdit> DecodeEdit(std::string_view bytes) {
  if (bytes.size() < 2) return absl::DataLossError("journal entry of fewer than two bytes");
  const uint8_t version = static_cast<uint8_t>(bytes[0]);
  if (version < kOldestFormatVersion || version > kFormatVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("journal entry of format ", version, "; this master reads formats ",
                     kOldestFormatVersion, " to ", kFormatVersion));
  }
  JobEdit edit;
  if (!MakeKind(static_cast<uint8_t>(bytes[1]), &edit)) {
    return absl::DataLossError(
        absl::StrCat("journal entry of unknown kind ", static_cast<uint8_t>(bytes[1])));
  }
  Reader reader(version, bytes.substr(2));
  std::visit([&reader](auto& e) { Walk(reader, e); }, edit);
  if (!reader.ok()) return absl::DataLossError(absl::StrCat(NameOf(edit), " entry is damaged"));
  if (!reader.at_end()) {
    return absl::DataLossError(absl::StrCat(NameOf(edit), " entry has bytes left over"));
  }
  return edit;
}

std::string DebugString(const JobEdit& edit) {
  Printer printer;
  std::visit([&printer](const auto& e) { Walk(printer, e); }, edit);
  return absl::StrCat(NameOf(edit), "{", printer.str(), "}");
}

namespace {

struct TopicFinder {
  uint64_t operator()(const JobAccepted& e) const { return TopicOf(e.job); }
  uint64_t operator()(const WorkerRegistered& e) const { return TopicOf(e.worker); }
  uint64_t operator()(const WorkerLost& e) const { return TopicOf(e.worker); }
  uint64_t operator()(const AttemptStarted& e) const { return TopicOf(e.task.job); }
  uint64_t operator()(const AttemptEnded& e) const { return TopicOf(e.task.job); }
  uint64_t operator()(const TaskDone& e) const { return TopicOf(e.task.job); }
  uint64_t operator()(const OutputLost& e) const { return TopicOf(e.task.job); }
  uint64_t operator()(const JobPublishing& e) const { return TopicOf(e.job); }
  uint64_t operator()(const JobEnded& e) const { return TopicOf(e.job); }
  uint64_t operator()(const JobFolded& e) const { return TopicOf(e.summary.job); }
  uint64_t operator()(const LossNoticed& e) const { return TopicOf(e.job); }
  uint64_t operator()(const RecordSkipped& e) const { return TopicOf(e.task.job); }
  uint64_t operator()(const OutputReused& e) const { return TopicOf(e.task.job); }
};

}  // namespace

uint64_t TopicOf(JobId job) { return job.value() * 2; }
uint64_t TopicOf(WorkerId worker) { return worker.value() * 2 + 1; }
uint64_t TopicOf(const JobEdit& edit) { return std::visit(TopicFinder(), edit); }

}  // namespace millrace
