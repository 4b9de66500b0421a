// Inverted index as fast as we can write it by hand: what a framework is measured against.
//
//   floor_inverted_index OUTPUT SCRATCH [--procs=2] [--reducers=16] [--split_mb=64] FILE...
//
// Each file is a document, named by its base name; of documents of one name there is one. As in
// floor_wordcount, but a word's value is the set of documents that have it. A split is some whole
// documents that are neighbours by name, at most 32 of them: then the set is a bit each.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/bench/floor/arguments.h"
#include "tests/bench/floor/processes.h"
#include "tests/bench/floor/text_split.h"
#include "tests/bench/floor/word_edges.h"
#include "tests/bench/floor/word_runs.h"

namespace floor_bench {
namespace {

constexpr size_t kDocumentsOfSplit = 32;

struct Union {
  template <typename Value>
  static void Add(Value* documents, uint32_t more) {
    *documents |= more;
  }
};

struct Document {
  std::string name;
  std::string path;
};
using Split = std::vector<Document>;

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// By name, as many to a split as have `split_bytes` together.
std::vector<Split> MakeSplits(const std::vector<std::string>& paths, uint64_t split_bytes) {
  Split documents;
  for (const std::string& path : paths) documents.push_back({BaseName(path), path});
  std::sort(documents.begin(), documents.end(),
            [](const Document& a, const Document& b) { return a.name < b.name; });
  std::vector<Split> splits;
  uint64_t bytes = 0;
  for (Document& document : documents) {
    const uint64_t size = File::ForReading(document.path).Size();
    if (splits.empty() || bytes + size > split_bytes || splits.back().size() == kDocumentsOfSplit) {
      splits.emplace_back();
      bytes = 0;
    }
    bytes += size;
    splits.back().push_back(std::move(document));
  }
  return splits;
}

// word<TAB>document,document,...
class DocumentsLine {
 public:
  explicit DocumentsLine(const std::vector<Split>* splits) : splits_(splits) {}

  void Begin(std::string_view word, PartWriter* part) {
    AppendWord(word, part);
    last_ = nullptr;
  }
  // Runs come in the order of splits, so documents come in the order of names.
  void Add(int split, uint64_t documents, PartWriter* part) {
    for (; documents != 0; documents &= documents - 1) {
      const std::string& name = (*splits_)[split][__builtin_ctzll(documents)].name;
      if (last_ != nullptr && name == *last_) continue;
      part->Append(last_ == nullptr ? "\t" : ",");
      part->Append(name);
      last_ = &name;
    }
  }
  void End(PartWriter* part) { part->Append("\n"); }

 private:
  const std::vector<Split>* splits_;
  const std::string* last_ = nullptr;
};

void CollectWords(const Split& split, WordEdges<Fields>* edges, TextSplit<Fields>* text,
                  WordTable<Union>* table) {
  for (size_t i = 0; i < split.size(); ++i) {
    const File file = File::ForReading(split[i].path);
    text->ForEachPiece(file, 0, file.Size(), [&](std::string_view piece) {
      edges->ForEach(piece, [&](const uint32_t* found, size_t words) {
        table->AddAll(piece.data(), found, words, uint32_t{1} << i);
      });
    });
  }
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv,
                            "OUTPUT SCRATCH [--procs=2] [--reducers=16] [--split_mb=64] FILE...", 2,
                            {{"procs", 2}, {"reducers", 16}, {"split_mb", 64}});
  const std::string& output = arguments.words()[0];
  const std::vector<std::string> paths(arguments.words().begin() + 2, arguments.words().end());
  const std::vector<Split> splits =
      MakeSplits(paths, static_cast<uint64_t>(arguments.Number("split_mb")) << 20);
  MakeFolder(output);
  MakeFolder(arguments.words()[1]);
  const RunIndex index(arguments.words()[1], static_cast<int>(splits.size()),
                       arguments.Number("reducers"));
  const int processes = arguments.Number("procs");
  Phases* const phases = Phases::Make(processes);
  return RunInProcesses(processes, [&] {
    WordTable<Union> table;
    WordEdges<Fields> edges;
    TextSplit<Fields> text;
    WordRunWriter<Union> runs;
    phases->Map(index.runs(), [&](int split) {
      CollectWords(splits[split], &edges, &text, &table);
      runs.Write(index, split, &table);
    });
    phases->WaitForAll();
    phases->Reduce(index.partitions(), [&](int partition) {
      WritePart(index, partition, Numbered(output, "part", partition), DocumentsLine(&splits));
    });
  });
}

}  // namespace
}  // namespace floor_bench

int main(int argc, char** argv) { return floor_bench::Main(argc, argv); }
