// Field by field between messages and plain values. Internal to rpc/wire*.cc.
#ifndef MILLRACE_RPC_WIRE_FIELDS_H_
#define MILLRACE_RPC_WIRE_FIELDS_H_

#include <capnp/blob.h>
#include <capnp/list.h>
#include <kj/exception.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "rpc/lineage_view.h"
#include "rpc/recovery_entry.h"
#include "rpc/task_types.h"
#include "rpc/types.capnp.h"

namespace millrace {

// How many values each enum that travels has; all start at 0 and leave none out.
template <typename Enum>
constexpr int kEnumCount = 0;
template <>
constexpr int kEnumCount<Reason> = kReasonCount;
template <>
constexpr int kEnumCount<Cause> = kCauseCount;
template <>
constexpr int kEnumCount<JobState> = 5;
template <>
constexpr int kEnumCount<StageKind> = 2;
template <>
constexpr int kEnumCount<InputFormat> = kInputFormatCount;
template <>
constexpr int kEnumCount<Compression> = kCompressionCount;
template <>
constexpr int kEnumCount<ShuffleMode> = 2;
template <>
constexpr int kEnumCount<LossKind> = kLossKindCount;
template <>
constexpr int kEnumCount<NoticedBy> = kNoticedByCount;
template <>
constexpr int kEnumCount<SourceState> = kSourceStateCount;

// Reads the fields of one foreign message and remembers the first thing wrong with them.
//
// It goes on after an error, with harmless values, and the error is looked at once, at the end: so
// reading a message is a list of its fields.
class FieldReader {
 public:
  // Remembers "FIELD: PROBLEM", unless something was wrong before.
  void Refuse(const char* field, std::string_view problem);
  // Refuses unless `holds`. Returns `holds`.
  bool Require(bool holds, const char* field, std::string_view problem);

  // Text of at most `max_bytes`, without NUL.
  std::string Text(const char* field, capnp::Text::Reader in, size_t max_bytes);
  // The same, and not empty.
  std::string SomeText(const char* field, capnp::Text::Reader in, size_t max_bytes);
  // Text without control characters, for tables and logs.
  std::string Line(const char* field, capnp::Text::Reader in, size_t max_bytes);
  // An absolute path.
  std::string Path(const char* field, capnp::Text::Reader in);
  // The last component of a path.
  std::string FileName(const char* field, capnp::Text::Reader in);
  // What a worker may be called.
  std::string WorkerName(const char* field, capnp::Text::Reader in);
  // HOST:PORT that can be dialled.
  std::string Address(const char* field, capnp::Text::Reader in);
  // Arguments of a program.
  std::vector<std::string> Arguments(const char* field, capnp::List<capnp::Text>::Reader in);
  // NAME=value each.
  std::vector<std::string> Environment(const char* field, capnp::List<capnp::Text>::Reader in);
  std::map<std::string, int64_t> Counters(const char* field,
                                          capnp::List<capnp_types::CounterValue>::Reader in);

  uint32_t Number(const char* field, uint32_t value, uint32_t min, uint32_t max);

  // An id that must be set.
  template <typename Id>
  Id SomeId(const char* field, uint64_t value) {
    Require(value != 0, field, "missing");
    return Id(value);
  }

  template <typename E>
  E Enum(const char* field, uint8_t value) {
    static_assert(kEnumCount<E> > 0, "say how many values it has");
    const bool known = value < kEnumCount<E>;
    Require(known, field, "a value that this version does not know");
    return known ? static_cast<E>(value) : E();
  }

  // A struct inside this one, as its own Read function gave it.
  template <typename T>
  T Nested(const char* field, absl::StatusOr<T> value) {
    if (value.ok()) return *std::move(value);
    Refuse(field, std::string(value.status().message()));
    return T();
  }

  // A list of them.
  template <typename T, typename Element>
  std::vector<T> NestedList(const char* field, typename capnp::List<Element>::Reader in,
                            size_t max_size, absl::StatusOr<T> (*read)(typename Element::Reader)) {
    std::vector<T> values;
    if (!Require(in.size() <= max_size, field, "too many elements")) return values;
    values.reserve(in.size());
    for (auto element : in) {
      if (!status_.ok()) break;
      values.push_back(Nested(field, read(element)));
    }
    return values;
  }

  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

// Reads a whole message with `read`. What Cap'n Proto itself cannot follow (pointers that lead
// outside the message, say) arrives as an exception and leaves as a status.
template <typename T, typename Reader>
absl::StatusOr<T> ReadMessage(const char* type, Reader in, T (*read)(Reader, FieldReader&)) {
  FieldReader fields;
  T value;
  kj::Maybe<kj::Exception> malformed =
      kj::runCatchingExceptions([&]() { value = read(in, fields); });
  KJ_IF_MAYBE (e, malformed) {
    return absl::InvalidArgumentError(
        absl::StrCat("malformed ", type, ": ", e->getDescription().cStr()));
  }
  if (!fields.status().ok()) {
    return absl::InvalidArgumentError(absl::StrCat(type, ".", fields.status().message()));
  }
  return value;
}

// For setting a text; `text` must outlive it.
inline capnp::Text::Reader ToText(const std::string& text) {
  return capnp::Text::Reader(text.c_str(), text.size());
}

// Text that people read: at most `max_bytes`, and no character cut in two.
std::string Clip(std::string_view text, size_t max_bytes);
// The same with kMaxMessageTextBytes; a NUL, which no text of a message may hold, becomes '?'.
std::string ClipMessage(std::string_view text);

void WriteTexts(const std::vector<std::string>& texts, capnp::List<capnp::Text>::Builder out);

// `out` has as many elements as CountersToWrite says: the first names, cut to their bound.
size_t CountersToWrite(const std::map<std::string, int64_t>& counters);
void WriteCounters(const std::map<std::string, int64_t>& counters,
                   capnp::List<capnp_types::CounterValue>::Builder out);

}  // namespace millrace

#endif  // MILLRACE_RPC_WIRE_FIELDS_H_
