// Word count as fast as we can write it by hand: what a framework is measured against.
//
//   floor_wordcount FILE OUTPUT SCRATCH [--letters] [--procs=2] [--reducers=16] [--split_mb=64]
//
// Two processes share out the splits, count each split's words in a table, and write them sorted
// and by partition to a run; then they share out the partitions and merge their runs into parts.
// Nothing here can be lost, retried, moved to another machine, or watched.
#include <string>

#include "tests/bench/floor/arguments.h"
#include "tests/bench/floor/processes.h"
#include "tests/bench/floor/text_split.h"
#include "tests/bench/floor/word_edges.h"
#include "tests/bench/floor/word_runs.h"

namespace floor_bench {
namespace {

struct Sum {
  template <typename Value>
  static void Add(Value* value, uint32_t more) {
    *value += more;
  }
};

// word<TAB>count
class CountLine {
 public:
  void Begin(std::string_view word, PartWriter* part) {
    AppendWord(word, part);
    sum_ = 0;
  }
  void Add(int run, uint64_t count, PartWriter* part) { sum_ += count; }
  void End(PartWriter* part) {
    part->Reserve(24);
    char* end = part->end();
    *end++ = '\t';
    end = WriteNumber(end, sum_);
    *end++ = '\n';
    part->Extend(static_cast<size_t>(end - part->end()));
  }

 private:
  uint64_t sum_ = 0;
};

template <typename Tokens>
int CountWords(const Arguments& arguments) {
  const std::string& output = arguments.words()[1];
  const int processes = arguments.Number("procs");
  const uint64_t split_bytes = static_cast<uint64_t>(arguments.Number("split_mb")) << 20;
  const File file = File::ForReading(arguments.words()[0]);
  const uint64_t size = file.Size();
  const int splits = static_cast<int>((size + split_bytes - 1) / split_bytes);
  const RunIndex index(arguments.words()[2], splits, arguments.Number("reducers"));
  Phases* const phases = Phases::Make(processes);
  return RunInProcesses(processes, [&] {
    WordTable<Sum> table;
    WordEdges<Tokens> edges;
    TextSplit<Tokens> text;
    WordRunWriter<Sum> runs;
    phases->Map(splits, [&](int split) {
      const uint64_t begin = static_cast<uint64_t>(split) * split_bytes;
      text.ForEachPiece(file, begin, std::min(size, begin + split_bytes),
                        [&](std::string_view piece) {
                          edges.ForEach(piece, [&](const uint32_t* found, size_t words) {
                            table.AddAll(piece.data(), found, words, 1);
                          });
                        });
      runs.Write(index, split, &table);
    });
    phases->WaitForAll();
    phases->Reduce(index.partitions(), [&](int partition) {
      WritePart(index, partition, Numbered(output, "part", partition), CountLine());
    });
  });
}

int Main(int argc, char** argv) {
  const Arguments arguments(
      argc, argv, "FILE OUTPUT SCRATCH [--letters] [--procs=2] [--reducers=16] [--split_mb=64]", 3,
      {{"letters", 0}, {"procs", 2}, {"reducers", 16}, {"split_mb", 64}});
  MakeFolder(arguments.words()[1]);
  MakeFolder(arguments.words()[2]);
  return arguments.Number("letters") != 0 ? CountWords<Letters>(arguments)
                                          : CountWords<Fields>(arguments);
}

}  // namespace
}  // namespace floor_bench

int main(int argc, char** argv) { return floor_bench::Main(argc, argv); }
