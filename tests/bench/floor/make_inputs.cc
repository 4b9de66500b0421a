// Writes inputs of the benchmarks to standard output, the same ones each time.
//
//   make_inputs records BYTES    records of 100 bytes: a random key of 10, and a newline at the end
//   make_inputs zipf BYTES       text of 200,000 words, the n-th commonest of them 1/n as often
//   make_inputs rare BYTES       the same with every other word an identifier that is seldom or
//                                never seen again
//
// All bytes are printable, so that programs which read lines can sort the records too.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_set>
#include <vector>

namespace {

// SplitMix64 (Steele, Lea and Flood 2014).
class Random {
 public:
  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  uint64_t Below(uint64_t limit) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * limit) >> 64);
  }

 private:
  uint64_t state_ = 2004;
};

// Words of syllables, the common ones short.
std::vector<std::string> MakeVocabulary(size_t count, Random* random) {
  static const char* const kBegins[] = {"b",  "c",  "d", "f", "g", "h",  "j", "l",  "m",
                                        "n",  "p",  "r", "s", "t", "v",  "w", "st", "tr",
                                        "ch", "pl", "",  "",  "k", "sh", "z", "gr", "cl"};
  static const char* const kMiddles[] = {"a", "e", "i", "o", "u", "ai", "ou", "ea", "y"};
  static const char* const kEnds[] = {"", "", "", "n", "r", "s", "t", "l", "m", "nd", "ck"};
  std::vector<std::string> words;
  std::unordered_set<std::string> seen;
  while (words.size() < count) {
    const size_t rank = words.size();
    std::string word;
    for (int syllables = 1 + (rank > 100) + (rank > 5'000); syllables > 0; --syllables) {
      word += kBegins[random->Below(std::size(kBegins))];
      word += kMiddles[random->Below(std::size(kMiddles))];
      word += kEnds[random->Below(std::size(kEnds))];
    }
    if (seen.insert(word).second) words.push_back(std::move(word));
  }
  return words;
}

// Draws n with weight 1 / (n + 1): a random place in a table that has n as often as that.
class ZipfRanks {
 public:
  explicit ZipfRanks(size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; ++i) sum += 1.0 / static_cast<double>(i + 1);
    double until = 0;
    for (size_t i = 0; i < count; ++i) {
      until += kPlaces / sum / static_cast<double>(i + 1);
      while (static_cast<double>(table_.size()) < until) {
        table_.push_back(static_cast<uint32_t>(i));
      }
    }
  }
  uint32_t Draw(Random* random) const { return table_[random->Below(table_.size())]; }

 private:
  static constexpr double kPlaces = 8'000'000;  // the rarest word has three

  std::vector<uint32_t> table_;
};

void Write(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    std::perror("make_inputs: cannot write");
    std::exit(1);
  }
}

void WriteRecords(uint64_t bytes) {
  Random random;
  std::string record(100, '\n');
  for (uint64_t number = 0; number < bytes / record.size(); ++number) {
    for (size_t i = 0; i < 10; ++i) record[i] = static_cast<char>('!' + random.Below(94));
    std::snprintf(&record[10], 24, " %020llu ", static_cast<unsigned long long>(number));
    for (size_t i = 32; i < 99; ++i) record[i] = static_cast<char>('A' + (number + i) % 26);
    Write(record);
  }
}

// An identifier as programs have them; most of the 2^40 are never drawn.
void AppendIdentifier(const std::string& word, Random* random, std::string* line) {
  char digits[16];
  std::snprintf(digits, sizeof(digits), "_%llx",
                static_cast<unsigned long long>(random->Below(uint64_t{1} << 40)));
  *line += word;
  *line += digits;
}

void WriteText(uint64_t bytes, bool with_rare) {
  constexpr size_t kWords = 200'000;
  constexpr size_t kLine = 70;
  Random random;
  const std::vector<std::string> words = MakeVocabulary(kWords, &random);
  const ZipfRanks ranks(kWords);
  uint64_t written = 0;
  std::string line;
  for (uint64_t number = 0;; ++number) {
    const std::string& word = words[ranks.Draw(&random)];
    if (with_rare && number % 2 == 1) {
      AppendIdentifier(word, &random, &line);
    } else {
      line += word;
    }
    line += line.size() > kLine ? '\n' : ' ';
    if (line.back() != '\n') continue;
    written += line.size();
    if (written > bytes) return;
    Write(line);
    line.clear();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc == 3 ? argv[1] : "";
  const uint64_t bytes = argc == 3 ? std::strtoull(argv[2], nullptr, 10) : 0;
  if (what == "records") {
    WriteRecords(bytes);
  } else if (what == "zipf" || what == "rare") {
    WriteText(bytes, what == "rare");
  } else {
    std::fprintf(stderr, "usage: %s records|zipf|rare BYTES\n", argv[0]);
    return 2;
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
