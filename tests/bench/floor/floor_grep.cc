// Search for a pattern as fast as we can write it by hand: what a framework is measured against.
//
//   floor_grep PATTERN OUTPUT [--procs=2] FILE...
//
// Two processes share out the files; each file has a part of its own, with file:line<TAB>text for
// each line that matches. The pattern (PCRE2, compiled to machine code) sees many lines at once,
// and a line is looked for only where it matches: most have no match. There are no runs, as there
// is nothing to reduce. A pattern must not look at other lines, as \A, \z and (?<=\n) do.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <emmintrin.h>
#include <pcre2.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/floor/arguments.h"
#include "tests/bench/floor/files.h"
#include "tests/bench/floor/processes.h"

namespace floor_bench {
namespace {

class Pattern {
 public:
  explicit Pattern(const std::string& text) {
    int error = 0;
    PCRE2_SIZE where = 0;
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), PCRE2_MULTILINE,
                          &error, &where, nullptr);
    errno = EINVAL;
    if (code_ == nullptr)
      Die("take " + text + " for a pattern, from byte " + std::to_string(where));
    if (pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE) != 0) Die("compile " + text);
    found_ = pcre2_match_data_create(1, nullptr);
  }

  // Whether there is a match that begins at `from` or later; begin() and end() are the first one's.
  bool Find(std::string_view text, size_t from) {
    const int result = pcre2_jit_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()),
                                       text.size(), from, 0, found_, nullptr);
    if (result < 0 && result != PCRE2_ERROR_NOMATCH) Die("match the pattern");
    return result >= 0;
  }
  size_t begin() const { return pcre2_get_ovector_pointer(found_)[0]; }
  size_t end() const { return pcre2_get_ovector_pointer(found_)[1]; }

 private:
  pcre2_code* code_;
  pcre2_match_data* found_;
};

uint64_t CountNewlines(std::string_view text) {
  constexpr size_t kMost = 255;  // what a byte counts up to
  const __m128i newline = _mm_set1_epi8('\n');
  uint64_t total = 0;
  while (text.size() >= sizeof(__m128i)) {
    const size_t vectors = std::min(kMost, text.size() / sizeof(__m128i));
    __m128i counts = _mm_setzero_si128();
    for (size_t i = 0; i < vectors; ++i) {
      const auto* bytes = reinterpret_cast<const __m128i*>(text.data()) + i;
      counts = _mm_sub_epi8(counts, _mm_cmpeq_epi8(newline, _mm_loadu_si128(bytes)));
    }
    const __m128i sums = _mm_sad_epu8(counts, _mm_setzero_si128());
    total += static_cast<uint64_t>(_mm_cvtsi128_si64(sums)) +
             static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums)));
    text.remove_prefix(vectors * sizeof(__m128i));
  }
  for (const char c : text) total += c == '\n';
  return total;
}

// Searches one file after the other.
class Searcher {
 public:
  explicit Searcher(const std::string& pattern) : pattern_(pattern) {}

  void Search(const std::string& path, const std::string& to) {
    const File file = File::ForReading(path);
    PartWriter part(to);
    path_ = path;
    line_ = 1;
    size_t held = 0;
    for (uint64_t position = 0;;) {
      if (buffer_.size() < held + kPieceBytes) buffer_.resize(2 * held + kPieceBytes);
      const size_t got = file.ReadAt(position, buffer_.data() + held, kPieceBytes);
      position += got;
      held += got;
      const size_t lines = got == 0 ? held : EndOfLines(held);
      SearchLines({buffer_.data(), lines}, &part);
      std::memmove(buffer_.data(), buffer_.data() + lines, held - lines);
      held -= lines;
      if (got == 0) return;
    }
  }

 private:
  static constexpr size_t kPieceBytes = 256 << 10;  // stays in L2 for three passes

  size_t EndOfLines(size_t held) const {
    const auto* last = static_cast<const char*>(memrchr(buffer_.data(), '\n', held));
    return last == nullptr ? 0 : static_cast<size_t>(last + 1 - buffer_.data());
  }

  // Of whole lines.
  void SearchLines(std::string_view text, PartWriter* part) {
    size_t counted = 0;
    size_t from = 0;
    while (from < text.size() && pattern_.Find(text, from) && pattern_.begin() < text.size()) {
      const size_t begin = pattern_.begin() == 0 ? 0 : text.rfind('\n', pattern_.begin() - 1) + 1;
      const size_t end = std::min(text.find('\n', pattern_.begin()), text.size());
      const std::string_view line = text.substr(begin, end - begin);
      if (pattern_.end() <= end || pattern_.Find(line, 0)) {
        line_ += CountNewlines(text.substr(counted, begin - counted));
        counted = begin;
        Write(line, part);
      }
      from = end + 1;
    }
    line_ += CountNewlines(text.substr(counted));
  }

  void Write(std::string_view line, PartWriter* part) {
    part->Append(path_);
    part->Reserve(32);
    char* end = part->end();
    *end++ = ':';
    end = WriteNumber(end, line_);
    *end++ = '\t';
    part->Extend(static_cast<size_t>(end - part->end()));
    part->Append(line);
    part->Append("\n");
  }

  Pattern pattern_;
  std::string buffer_;
  std::string path_;
  uint64_t line_ = 1;
};

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, "PATTERN OUTPUT [--procs=2] FILE...", 2, {{"procs", 2}});
  const std::string& pattern = arguments.words()[0];
  const std::string& output = arguments.words()[1];
  MakeFolder(output);
  const int processes = arguments.Number("procs");
  Phases* const phases = Phases::Make(processes);
  return RunInProcesses(processes, [&] {
    Searcher searcher(pattern);
    phases->Map(static_cast<int>(arguments.words().size()) - 2, [&](int i) {
      searcher.Search(arguments.words()[i + 2], Numbered(output, "part", i));
    });
  });
}

}  // namespace
}  // namespace floor_bench

int main(int argc, char** argv) { return floor_bench::Main(argc, argv); }
