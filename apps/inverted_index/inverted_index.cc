// Which documents each word is in: word<TAB>doc1,doc2,... Files of one name are one document.
//
//   inverted_index --input=books --output=/tmp/index --positions
//
// A map folds words into sets of bits, one a document, as cheaply as it counts them.
#include <gflags/gflags.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/launcher.h"
#include "mapreduce/job.h"
#include "mapreduce/mapper.h"
#include "mapreduce/reducer.h"

DEFINE_bool(positions, false,
            "Every occurrence as DOC:OFFSET of its first byte; takes 35 bytes of memory for each.");

namespace {

constexpr char kBetween = '\0';  // names in a value: no file name has it
std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

class DocumentMapper : public millrace::Mapper {
 public:
  void Map(const millrace::MapInput& input) override {
    const auto bit = static_cast<int64_t>(uint64_t{1} << IndexOf(BaseName(input.file())));
    input.ForEachWord([this, bit](std::string_view word) { Emit(word, bit); });
  }

  std::string_view ValueOfTotal(int64_t bits) override {
    std::string& names = names_[bits];
    if (!names.empty()) return names;
    for (size_t i = 0; i < documents_.size(); ++i) {
      if ((static_cast<uint64_t>(bits) >> i & 1) != 0) names += documents_[i] + kBetween;
    }
    return names;
  }

 private:
  size_t IndexOf(std::string_view document) {
    if (!documents_.empty() && documents_.back() == document) return documents_.size() - 1;
    if (documents_.size() == 64) {  // the bits of a total
      EmitTotals();
      documents_.clear();
      names_.clear();
    }
    documents_.emplace_back(document);
    return documents_.size() - 1;
  }

  std::vector<std::string> documents_;
  std::map<int64_t, std::string> names_;  // of the sets of bits that occurred
};

class PositionMapper : public millrace::Mapper {
 public:
  void Map(const millrace::MapInput& input) override {
    const std::string document = std::string(BaseName(input.file())) + ":";
    input.ForEachWord([&](std::string_view word) {
      Emit(word, document + std::to_string(input.OffsetOf(word)) + kBetween);
    });
  }
};

// Lists of entries become one, in the order of documents; those of one document stay in order.
class IndexReducer : public millrace::Reducer {
 public:
  void Reduce(millrace::ReduceInput& input) override {
    bytes_.clear();
    for (; !input.done(); input.NextValue()) bytes_.append(input.value());
    entries_.clear();
    for (size_t begin = 0, end; begin < bytes_.size(); begin = end + 1) {
      end = bytes_.find(kBetween, begin);
      entries_.emplace_back(bytes_.data() + begin, end - begin);
    }
    const auto document = [](std::string_view entry) {
      return FLAGS_positions ? entry.substr(0, entry.rfind(':')) : entry;
    };
    const auto before = [&](auto a, auto b) { return document(a) < document(b); };
    if (entries_.size() > 1) std::stable_sort(entries_.begin(), entries_.end(), before);
    entries_.erase(std::unique(entries_.begin(), entries_.end()), entries_.end());
    line_.clear();
    for (std::string_view entry : entries_) line_.append(line_.empty() ? "" : ",").append(entry);
    Emit(line_);
  }

 private:
  std::string bytes_, line_;
  std::vector<std::string_view> entries_;  // of bytes_
};

absl::StatusOr<millrace::JobDescription> Describe() {
  millrace::JobDescription job;
  job.name = "inverted_index";
  job.reducer = [] { return std::make_unique<IndexReducer>(); };
  job.mapper = []() -> std::unique_ptr<millrace::Mapper> {
    if (FLAGS_positions) return std::make_unique<PositionMapper>();
    return std::make_unique<DocumentMapper>();
  };
  job.counts_lines = FLAGS_positions;  // a piece of a compressed file has offsets of its own
  job.totals_become_values = !FLAGS_positions;
  if (!FLAGS_positions) job.aggregate = millrace::Aggregate::kBitOr;
  return job;
}

}  // namespace

int main(int argc, char** argv) {
  millrace::Usage usage;
  usage.summary =
      "Makes an index of lines word<TAB>doc1,doc2,..., sorted by word. Words are what stands "
      "between ASCII white space, documents are files, called by their base names.";
  usage.flags = {"positions"};
  return millrace::Main(argc, argv, usage, Describe);
}
