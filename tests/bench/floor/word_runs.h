// From the words of one map task to a run, and from the runs to a part of the output.
#ifndef MILLRACE_TESTS_BENCH_FLOOR_WORD_RUNS_H_
#define MILLRACE_TESTS_BENCH_FLOOR_WORD_RUNS_H_

#include <vector>

#include "tests/bench/floor/word_merge.h"
#include "tests/bench/floor/word_sort.h"
#include "tests/bench/floor/word_table.h"

namespace floor_bench {

// Writes all words of `table` as run `run`, and empties the table.
template <typename Fold>
class WordRunWriter {
 public:
  void Write(const RunIndex& index, int run, WordTable<Fold>* table) {
    RunWriter out(index, run);
    for (int partition = 0; partition < index.partitions(); ++partition) {
      Collect(table, partition, index.partitions());
      sorter_.Sort(words_.data(), words_.size());
      for (size_t i = 0; i < words_.size(); ++i) WriteOne(i, &out);
      out.FinishPartition(partition);
    }
    table->Clear();
  }

 private:
  static constexpr size_t kAhead = 8;
  static constexpr size_t kVarintBytes = 10;

  void Collect(WordTable<Fold>* table, int partition, int partitions) {
    words_.clear();
    long_words_.Clear();
    table->ForEachOf(
        partition, partitions,
        [this](RawKey key, uint64_t value) {
          words_.emplace_back(key, static_cast<uint32_t>(value));
        },
        [this](const LongWord* word) {
          LongWord* const copy = long_words_.Add(word->text());
          copy->value = word->value;
          words_.emplace_back(copy);
        });
  }

  void WriteOne(size_t i, RunWriter* out) {
    if (i + kAhead < words_.size() && words_[i + kAhead].is_long()) {
      __builtin_prefetch(words_[i + kAhead].long_word());
    }
    const WordElement& word = words_[i];
    if (word.is_long()) {
      WriteLong(*word.long_word(), out);
    } else {
      WriteShort(word, out);
    }
  }

  static void WriteShort(const WordElement& word, RunWriter* out) {
    out->Reserve(1 + sizeof(RawKey) + kVarintBytes);
    const RawKey key = word.key.raw();
    char* const begin = out->end();
    const size_t length = static_cast<uint8_t>(word.key.low);
    *begin = static_cast<char>(length);
    std::memcpy(begin + 1, &key, sizeof(key));  // all of it, which is faster than `length` bytes
    char* const end = WriteVarint(begin + 1 + length, word.short_value());
    out->Extend(static_cast<size_t>(end - begin));
  }

  static void WriteLong(const LongWord& word, RunWriter* out) {
    out->Reserve(word.length + 2 * kVarintBytes);
    char* const begin = out->end();
    char* end = WriteVarint(begin, word.length);
    std::memcpy(end, word.text().data(), word.length);
    end = WriteVarint(end + word.length, word.value);
    out->Extend(static_cast<size_t>(end - begin));
  }

  std::vector<WordElement> words_;
  WordArena long_words_;  // copies of one partition's, near each other: each is read several times
  WordSorter sorter_;
};

// Writes a part of the output, one line for each word of a partition. Of a line, Begin(word, &part)
// is called first, then Add(run, value, &part) for each run that has the word, in the order of
// runs, then End(&part).
template <typename Line>
void WritePart(const RunIndex& index, int partition, const std::string& path, Line line) {
  PartWriter part(path);
  OrderedKey last{};  // no word has this key: its length is 0
  std::string last_long;
  WordMerge merge(index, partition);
  merge.ForEach([&](const OrderedKey& key, const WordStream& stream, int run) {
    const bool same = key.both() == last.both() && (!key.is_long() || stream.word() == last_long);
    if (!same) {
      if (last.both() != 0) line.End(&part);
      line.Begin(stream.word(), &part);
      if (key.is_long()) last_long = stream.word();
      last = key;
    }
    line.Add(run, stream.value(), &part);
  });
  if (last.both() != 0) line.End(&part);
}

// Appends a word that is readable for kReadableBytes more.
inline void AppendWord(std::string_view word, PartWriter* part) {
  part->Reserve(word.size() + sizeof(RawKey));
  if (__builtin_expect(word.size() <= sizeof(RawKey), 1)) {
    std::memcpy(part->end(), word.data(), sizeof(RawKey));  // faster than a length not known here
  } else {
    std::memcpy(part->end(), word.data(), word.size());
  }
  part->Extend(word.size());
}

}  // namespace floor_bench

#endif  // MILLRACE_TESTS_BENCH_FLOOR_WORD_RUNS_H_
