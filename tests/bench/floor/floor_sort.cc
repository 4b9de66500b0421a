// A sort of 100-byte records by 10-byte keys as fast as we can write it by hand: what a framework
// is measured against.
//
//   floor_sort FILE OUTPUT SCRATCH [--procs=2] [--reducers=8] [--split_mb=64]
//
// A sample of the keys says which range of keys each part gets. Two processes share out the splits
// and deal their records out to the ranges; then they share out the ranges, and read, sort and
// write one at a time. Records of equal keys stay in the order of the input.
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/floor/arguments.h"
#include "tests/bench/floor/processes.h"
#include "tests/bench/floor/record_runs.h"
#include "tests/bench/floor/record_sort.h"

namespace floor_bench {
namespace {

constexpr size_t kPieceBytes = 10'000 * kRecordBytes;

// The least prefix of each range, of those after the first; ranges are of prefixes, not of keys.
class Ranges {
 public:
  Ranges(const File& file, int count) {
    const uint64_t records = file.Size() / kRecordBytes;
    std::vector<uint64_t> sample;
    for (uint64_t i = 0; records != 0 && i < kSample; ++i) {
      char key[sizeof(uint64_t)];
      file.ReadAt(records * i / kSample * kRecordBytes, key, sizeof(key));
      sample.push_back(RecordElement::PrefixOf(key));
    }
    std::sort(sample.begin(), sample.end());
    for (int i = 1; i < count; ++i) {
      least_.push_back(sample.empty() ? 0 : sample[kSample * static_cast<size_t>(i) / count]);
    }
  }

  int count() const { return static_cast<int>(least_.size()) + 1; }
  int Of(uint64_t prefix) const {
    int range = 0;
    for (const uint64_t least : least_) range += prefix >= least;
    return range;
  }
  uint64_t Low(int range) const { return range == 0 ? 0 : least_[range - 1]; }
  uint64_t High(int range) const { return range == count() - 1 ? ~uint64_t{0} : least_[range]; }

 private:
  static constexpr uint64_t kSample = 4096;

  std::vector<uint64_t> least_;
};

struct Job {
  Job(const Arguments& arguments)
      : input(File::ForReading(arguments.words()[0])),
        output(arguments.words()[1]),
        scratch(arguments.words()[2]),
        processes(arguments.Number("procs")),
        size(input.Size()),
        split_bytes((static_cast<uint64_t>(arguments.Number("split_mb")) << 20) / kRecordBytes *
                    kRecordBytes),
        splits(static_cast<int>((size + split_bytes - 1) / split_bytes)),
        ranges(input, arguments.Number("reducers")) {}

  std::string RunPath(int process, int range) const {
    return Numbered(scratch, "run", process * ranges.count() + range);
  }

  File input;
  std::string output;
  std::string scratch;
  int processes;
  uint64_t size;
  uint64_t split_bytes;
  int splits;
  Ranges ranges;
};

// Deals out the records of splits.
class Dealer {
 public:
  Dealer(const Job& job, int process) : job_(job) {
    for (int range = 0; range < job.ranges.count(); ++range) {
      runs_.emplace_back(job.RunPath(process, range));
    }
    piece_.resize(kPieceBytes);
  }

  void Deal(int split) {
    uint64_t position = split * job_.split_bytes;
    const uint64_t end = std::min(job_.size, position + job_.split_bytes);
    while (position < end) {
      const size_t wanted = std::min<uint64_t>(kPieceBytes, end - position);
      if (job_.input.ReadAt(position, piece_.data(), wanted) != wanted) Die("read all the input");
      for (size_t i = 0; i < wanted; i += kRecordBytes) {
        const char* record = piece_.data() + i;
        runs_[job_.ranges.Of(RecordElement::PrefixOf(record))].Append(record, split);
      }
      position += wanted;
    }
    for (RecordRunWriter& run : runs_) run.FinishBlock(split);
  }

 private:
  const Job& job_;
  std::vector<RecordRunWriter> runs_;
  std::string piece_;
};

// Sorts ranges; keeps its memory for the next one.
class RangeSorter {
 public:
  explicit RangeSorter(const Job& job) : job_(job) {}

  void Sort(int range) {
    std::vector<std::string> paths;
    for (int process = 0; process < job_.processes; ++process) {
      paths.push_back(job_.RunPath(process, range));
    }
    const RecordRunReader runs(paths);
    const size_t count = runs.bytes() / kRecordBytes;
    Reserve(runs.bytes());
    const Buckets buckets(job_.ranges.Low(range), job_.ranges.High(range), kBits);
    Read(runs, buckets);
    size_t sum = 0;
    for (size_t& end : ends_) sum += std::exchange(end, sum);
    for (size_t i = 0; i < count; ++i) dealt_[ends_[buckets.Of(found_[i])]++] = found_[i];
    PartWriter part(Numbered(job_.output, "part", range));
    for (size_t begin = 0, bucket = 0; begin < count; begin = ends_[bucket++]) {
      WriteSorted(dealt_ + begin, ends_[bucket] - begin, &part);
    }
  }

 private:
  static constexpr int kBits = 11;  // buckets of some hundred records, which fit the L1 cache
  static constexpr size_t kAhead = 24;

  void Reserve(size_t bytes) {
    if (bytes <= room_) return;
    room_ = bytes + bytes / 8;
    records_ = static_cast<char*>(HugeMemory(room_));
    const size_t elements = room_ / kRecordBytes * sizeof(RecordElement);
    found_ = static_cast<RecordElement*>(HugeMemory(elements));
    dealt_ = static_cast<RecordElement*>(HugeMemory(elements));
  }

  // Reads all records and counts how many each bucket has.
  void Read(const RecordRunReader& runs, const Buckets& buckets) {
    ends_.assign(size_t{1} << kBits, 0);
    size_t number = 0;
    runs.ReadTo(records_, [&](const char* block, size_t bytes) {
      for (size_t i = 0; i < bytes; i += kRecordBytes) {
        const RecordElement element(block + i, number);
        ++ends_[buckets.Of(element)];
        found_[number++] = element;
      }
    });
  }

  void WriteSorted(RecordElement* elements, size_t count, PartWriter* part) {
    sorter_.Sort(elements, count);
    for (size_t i = 0; i < count; ++i) {
      if (i + kAhead < count) {
        const char* later = records_ + elements[i + kAhead].number() * kRecordBytes;
        __builtin_prefetch(later);
        __builtin_prefetch(later + kRecordBytes - 1);
      }
      part->Append({records_ + elements[i].number() * kRecordBytes, kRecordBytes});
    }
  }

  const Job& job_;
  size_t room_ = 0;
  char* records_ = nullptr;
  RecordElement* found_ = nullptr;
  RecordElement* dealt_ = nullptr;
  std::vector<size_t> ends_;
  RecordSorter sorter_;
};

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv,
                            "FILE OUTPUT SCRATCH [--procs=2] [--reducers=8] [--split_mb=64]", 3,
                            {{"procs", 2}, {"reducers", 8}, {"split_mb", 64}});
  const Job job(arguments);
  if (job.size % kRecordBytes != 0) {
    errno = EINVAL;
    Die("take " + job.input.path() + " for records of 100 bytes");
  }
  MakeFolder(job.output);
  MakeFolder(job.scratch);
  std::atomic<int>* const next_process = SharedArray<std::atomic<int>>(1);
  Phases* const phases = Phases::Make(job.processes);
  return RunInProcesses(job.processes, [&] {
    Dealer dealer(job, (*next_process)++);
    phases->Map(job.splits, [&](int split) { dealer.Deal(split); });
    phases->WaitForAll();
    RangeSorter sorter(job);
    phases->Reduce(job.ranges.count(), [&](int range) { sorter.Sort(range); });
  });
}

}  // namespace
}  // namespace floor_bench

int main(int argc, char** argv) { return floor_bench::Main(argc, argv); }
