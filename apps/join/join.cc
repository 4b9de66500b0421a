// Joins two inputs by key: for each pair of records with one key, key<TAB>left<TAB>right.
//
//   join --left=users.tsv --right='logins/*.tsv' --output=/tmp/joined
//
// The key of a record is what stands before its first tab, or the whole record if it has none; the
// rest goes into the output. The values of a key come in the order of the input, of which the left
// side is the first part: so a reducer has all left records of a key before the first right one.
#include <gflags/gflags.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/launcher.h"
#include "mapreduce/job.h"
#include "mapreduce/mapper.h"
#include "mapreduce/reducer.h"

DEFINE_string(left, "", "Files, folders, patterns or @FILE, as in --input: the left side.");
DEFINE_string(right, "", "The same: the right side.");
DEFINE_string(type, "inner",
              "inner: keys that both sides have; left, right: also those of the left (right) side "
              "alone, with nothing for the other; outer: also those of either.");

namespace {

constexpr char kLeft = 'L', kRight = 'R';
// The left records of one key are kept in memory while the right ones go by.
constexpr size_t kLeftBytesMax = 256 << 20;

class SideMapper : public millrace::Mapper {
 public:
  void Map(const millrace::MapInput& input) override {
    const char side = input.input() == 0 ? kLeft : kRight;
    input.ForEachPair([this, side](std::string_view key, std::string_view rest) {
      value_.assign(1, side).append(rest);
      Emit(key, value_);
    });
  }

 private:
  std::string value_;
};

struct Keeps {
  bool left = false;   // left records without a right one
  bool right = false;  // right records without a left one
};

class JoinReducer : public millrace::Reducer {
 public:
  explicit JoinReducer(Keeps keeps) : keeps_(keeps) {}

  void Reduce(millrace::ReduceInput& input) override {
    left_.clear();
    size_t bytes = 0;
    for (; !input.done() && input.value().front() == kLeft; input.NextValue()) {
      left_.emplace_back(input.value().substr(1));
      bytes += input.value().size();
      if (bytes > kLeftBytesMax) return Fail(TooMany(input.key()));
    }
    const bool has_right = !input.done();
    if (!has_right && keeps_.left) EmitPairs("");
    if (left_.empty() && keeps_.right) left_.emplace_back();
    for (; !input.done(); input.NextValue()) EmitPairs(input.value().substr(1));
  }

 private:
  void EmitPairs(std::string_view right) {
    for (const std::string& left : left_) {
      line_.assign(left).append("\t").append(right);
      Emit(line_);
    }
  }

  static std::string TooMany(std::string_view key) {
    return "the left side has more than 256 MiB of records with the key '" + std::string(key) +
           "'; put the side with fewer records of one key on the left";
  }

  const Keeps keeps_;
  std::vector<std::string> left_;
  std::string line_;
};

absl::StatusOr<millrace::JobDescription> Describe() {
  if (FLAGS_left.empty() || FLAGS_right.empty()) {
    return absl::InvalidArgumentError("--left and --right are needed: which two inputs to join?");
  }
  const bool outer = FLAGS_type == "outer";
  const Keeps keeps = {outer || FLAGS_type == "left", outer || FLAGS_type == "right"};
  if (!keeps.left && !keeps.right && FLAGS_type != "inner") {
    return absl::InvalidArgumentError("--type=" + FLAGS_type +
                                      ": needs one of inner, left, right, outer");
  }
  millrace::JobDescription job;
  job.name = "join";
  job.inputs = {FLAGS_left, FLAGS_right};
  job.mapper = [] { return std::make_unique<SideMapper>(); };
  job.reducer = [keeps] { return std::make_unique<JoinReducer>(keeps); };
  return job;
}

}  // namespace

int main(int argc, char** argv) {
  millrace::Usage usage;
  usage.summary =
      "Joins two inputs by key. Each part holds lines key<TAB>left<TAB>right, sorted by key; the "
      "key of a record ends at its first tab.";
  usage.flags = {"left", "right", "type"};
  usage.required = "--left=P[,P...] --right=P[,P...]";
  usage.takes_input = false;
  usage.examples = {
      "join --left=users.tsv --right='logins/*.tsv' --output=/tmp/joined",
      "join --left=users.tsv --right=logins --output=/tmp/joined --type=left --workers=4",
      "join --master=127.0.0.1:7070 --left=/in/a --right=/in/b --output=/shared/out --type=outer"};
  return millrace::Main(argc, argv, usage, Describe);
}
