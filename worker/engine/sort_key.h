// The keys that pairs are sorted by when a job orders the values of its keys
// (JobDescription::sort_values, key_fields, sort_fields).
//
// A pair travels as (sort key, rest). The sort key is the encoding of the key that the reducer sees
// (ordered_bytes.h), and behind it what its values are ordered by: the encodings of fields, or the
// whole value as it is. The rest is what is left of the pair. So only the two ends know of the
// order: spills, runs and merges sort by these keys as by any others.
//
//   SortKeyMaker maker(job);                                  // where pairs are emitted
//   maker.Make(key, value);
//   Collect(PartOf(maker.key()), maker.sort_key(), maker.rest());
//
//   GroupsOf<SortKeyReader> groups(&merger, ..., SortKeyReader(job));   // where they are reduced
//
// Both need job.is_ordered(). One thread.
#ifndef MILLRACE_WORKER_ENGINE_SORT_KEY_H_
#define MILLRACE_WORKER_ENGINE_SORT_KEY_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "mapreduce/job.h"

namespace millrace {

class SortKeyMaker {
 public:
  explicit SortKeyMaker(const JobDescription& job)
      : sort_values_(job.sort_values), key_fields_(job.key_fields), sort_fields_(job.sort_fields) {}

  // What follows is valid until the next call, and as long as `key` and `value` are.
  void Make(std::string_view key, std::string_view value);

  // That the reducer will see, and that chooses the part.
  std::string_view key() const { return key_; }
  std::string_view sort_key() const { return sort_key_; }
  std::string_view rest() const { return rest_; }

 private:
  void DivideRecord();

  const bool sort_values_;
  const uint32_t key_fields_;
  const uint32_t sort_fields_;
  std::string record_;
  std::string_view key_;
  std::string sort_key_;
  std::string_view rest_;
};

// The key of a group, for GroupsOf: a record has key() and value(), a sort key and a rest.
class SortKeyReader {
 public:
  explicit SortKeyReader(const JobDescription& job) : sort_values_(job.sort_values) {}

  template <typename Record>
  void Save(const Record& record) {
    SaveKey(record.key());
  }
  template <typename Record>
  bool Equals(const Record& record) const {
    return record.key().substr(0, encoded_key_.size()) == encoded_key_;
  }
  std::string_view view() const { return key_; }
  // Of a record with this key; valid until the next call, and as long as the record is.
  template <typename Record>
  std::string_view ValueOf(const Record& record) {
    return MakeValue(record.key().substr(encoded_key_.size()), record.value());
  }

 private:
  void SaveKey(std::string_view sort_key);
  // `order`: what the sort key has behind the key.
  std::string_view MakeValue(std::string_view order, std::string_view rest);

  const bool sort_values_;
  std::string encoded_key_;
  std::string key_;
  std::string value_;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_SORT_KEY_H_
