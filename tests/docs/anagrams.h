// The words of a text that are anagrams of each other: the job of docs/writing_a_job.md.
//
// Plain classes on strings, so that a test can run them without a cluster. One thread.
#ifndef MILLRACE_TESTS_DOCS_ANAGRAMS_H_
#define MILLRACE_TESTS_DOCS_ANAGRAMS_H_

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "mapreduce/letters.h"
#include "mapreduce/mapper.h"
#include "mapreduce/reducer.h"

// Emits (letters in order, word) for each word of plain letters.
class AnagramMapper : public millrace::Mapper {
 public:
  void Start() override { skipped_ = GetCounter("anagrams", "skipped"); }

  void Map(const millrace::MapInput& input) override {
    millrace::ForEachLetterRun(input, [this](std::string_view word) { Add(std::string(word)); });
  }

 private:
  void Add(std::string word) {
    for (char& letter : word) {
      if (letter < 'A' || letter > 'z') return skipped_->Increment();
      letter |= 0x20;  // to lower case
    }
    std::string letters = word;
    std::sort(letters.begin(), letters.end());
    Emit(letters, word);
  }

  millrace::Counter* skipped_ = nullptr;
};

// Passes each word of a key on once.
class DistinctWords : public millrace::Reducer {
 public:
  void Reduce(millrace::ReduceInput& input) override {
    for (const std::string& word : Distinct(input)) Emit(word);
  }

  static std::set<std::string> Distinct(millrace::ReduceInput& input) {
    std::set<std::string> words;
    for (; !input.done(); input.NextValue()) words.emplace(input.value());
    return words;
  }
};

// Writes the words of a key in one line, if there are enough of them.
class AnagramReducer : public millrace::Reducer {
 public:
  explicit AnagramReducer(size_t smallest_group) : smallest_group_(smallest_group) {}

  void Reduce(millrace::ReduceInput& input) override {
    std::string line;
    const std::set<std::string> words = DistinctWords::Distinct(input);
    if (words.size() < smallest_group_) return;
    for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
    Emit(line);
  }

 private:
  const size_t smallest_group_;
};

#endif  // MILLRACE_TESTS_DOCS_ANAGRAMS_H_
