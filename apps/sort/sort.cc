// Sorts records: the parts, in the order of their names, are the whole input in order.
//
//   sort --input=access.log --output=/tmp/sorted --key=4
//   sort --input=records.bin --output=/tmp/sorted --record_bytes=100 --key_bytes=10
//
// All that it does itself is to say what the key of a record is. The rest is `total_order`. Records
// with equal keys stay in the order of the input.
#include <gflags/gflags.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "absl/strings/numbers.h"
#include "client/launcher.h"
#include "mapreduce/job.h"
#include "mapreduce/mapper.h"

DECLARE_string(record_bytes);  // of every job
DEFINE_string(key, "",
              "Number of the field to sort by, from 1; fields are separated by ASCII white space, "
              "and one that a record does not have is empty. Empty: the whole record.");
DEFINE_string(key_bytes, "", "Sort records of --record_bytes by so many of their first bytes.");

namespace {

std::string_view Field(std::string_view record, uint32_t number) {
  constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";
  size_t begin = 0, end = 0;
  for (uint32_t i = 0; i < number && begin < record.size(); ++i) {
    begin = std::min(record.find_first_not_of(kWhiteSpace, end), record.size());
    end = std::min(record.find_first_of(kWhiteSpace, begin), record.size());
  }
  return record.substr(begin, end - begin);
}

class LineMapper : public millrace::Mapper {
 public:
  explicit LineMapper(uint32_t field) : field_(field) {}  // 0: the whole line

  void Map(const millrace::MapInput& input) override {
    if (input.shape().format == millrace::InputFormat::kKeyValue) {
      return input.ForEachPair([this](std::string_view k, std::string_view v) { Emit(k, v); });
    }
    const char* const end = input.data().data() + input.data().size();
    const bool lines = input.shape().format == millrace::InputFormat::kLines;
    input.ForEachRecord([&](std::string_view line) {
      const std::string_view key = field_ == 0 ? line : Field(line, field_);
      // What is written is the line as it was: a carriage return before its end is part of it.
      const char* const behind = line.data() + line.size();
      if (lines && behind != end && *behind == '\r') line = {line.data(), line.size() + 1};
      Emit(key, line);
    });
  }

 private:
  const uint32_t field_;
};

// Of what lies side by side the reducer gets two halves, and writes them side by side.
class RecordMapper : public millrace::Mapper {
 public:
  explicit RecordMapper(uint32_t key_bytes) : key_bytes_(key_bytes) {}

  void Map(const millrace::MapInput& input) override {
    input.ForEachRecord([this](std::string_view record) {
      const size_t size = std::min<size_t>(key_bytes_, record.size());
      Emit(record.substr(0, size), record.substr(size));
    });
  }

 private:
  const uint32_t key_bytes_;
};

absl::StatusOr<uint32_t> ReadNumber(const char* flag, const std::string& text, uint32_t absent) {
  uint32_t number = absent;
  if (!text.empty() && (!absl::SimpleAtoi(text, &number) || number == 0)) {
    return absl::InvalidArgumentError(std::string(flag) + "=" + text + ": needs a number from 1");
  }
  return number;
}

absl::StatusOr<millrace::JobDescription> Describe() {
  const bool fixed = !FLAGS_record_bytes.empty();
  if (fixed && !FLAGS_key.empty()) {
    return absl::InvalidArgumentError("--key is for lines; records have --key_bytes");
  }
  if (!fixed && !FLAGS_key_bytes.empty()) {
    return absl::InvalidArgumentError("--key_bytes is for records of --record_bytes=N");
  }
  const absl::StatusOr<uint32_t> field = ReadNumber("--key", FLAGS_key, 0);
  const absl::StatusOr<uint32_t> bytes = ReadNumber("--key_bytes", FLAGS_key_bytes, UINT32_MAX);
  if (!field.ok()) return field.status();
  if (!bytes.ok()) return bytes.status();
  millrace::JobDescription job;
  job.name = "sort";
  job.mapper = [fixed, field = *field, bytes = *bytes]() -> std::unique_ptr<millrace::Mapper> {
    if (fixed) return std::make_unique<RecordMapper>(bytes);
    return std::make_unique<LineMapper>(field);
  };
  job.total_order = true;
  job.output.format = millrace::OutputFormat::kLikeInput;
  return job;
}

}  // namespace

int main(int argc, char** argv) {
  millrace::Usage usage;
  usage.summary =
      "Sorts lines or other records in byte order. The parts hold the records themselves; in the "
      "order of their names they are one sorted sequence.";
  usage.flags = {"key", "key_bytes"};
  usage.examples = {
      "sort --input=access.log --output=/tmp/sorted --key=4",
      "sort --input=records.bin --output=/tmp/sorted --record_bytes=100 --key_bytes=10",
      "sort --master=127.0.0.1:7070 --input=/in/lines --output=/shared/sorted --reducers=16"};
  return millrace::Main(argc, argv, usage, Describe);
}
