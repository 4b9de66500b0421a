#include "tests/sim/workload.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "tests/oracle.h"

namespace millrace::sim {
namespace {

class LineCounter : public Mapper {
 protected:
  void Count(std::string_view line) {
    if (line.substr(0, std::strlen(kBadLine)) == kBadLine) throw std::runtime_error("a bad line");
    GetCounter("lines", "seen")->Increment();
  }
};

class CountMapper final : public LineCounter {
 public:
  void Map(const MapInput& input) override {
    input.ForEachLine([this](std::string_view line) { Count(line); });
    input.ForEachWord([this](std::string_view word) { Emit(word, 1); });
  }
};

std::string_view FirstWord(std::string_view line) { return line.substr(0, line.find(' ')); }

class IndexMapper final : public LineCounter {
 public:
  void Map(const MapInput& input) override {
    input.ForEachLine([this](std::string_view line) {
      Count(line);
      const std::string_view first = FirstWord(line);
      while (!line.empty()) {
        const std::string_view word = FirstWord(line);
        if (!word.empty()) Emit(word, first);
        line.remove_prefix(std::min(line.size(), word.size() + 1));
      }
    });
  }
};

class JoinValues final : public Reducer {
 public:
  void Reduce(ReduceInput& input) override {
    std::string all;
    for (; !input.done(); input.NextValue()) {
      all += std::string(all.empty() ? "" : " ") + std::string(input.value());
    }
    Emit(all);
  }
};

class CopyMapper final : public LineCounter {
 public:
  void Map(const MapInput& input) override {
    input.ForEachLine([this](std::string_view line) {
      Count(line);
      Emit(FirstWord(line), line);
    });
  }
};

JobDescription MakeDescription(Program program) {
  JobDescription job;
  job.name = Name(program);
  switch (program) {
    case Program::kCount:
      job.mapper = []() { return std::make_unique<CountMapper>(); };
      job.aggregate = Aggregate::kSum;
      break;
    case Program::kIndex:
      job.mapper = []() { return std::make_unique<IndexMapper>(); };
      job.reducer = []() { return std::make_unique<JoinValues>(); };
      break;
    case Program::kCopy:
      job.mapper = []() { return std::make_unique<CopyMapper>(); };
      job.allows_map_only = true;
      break;
  }
  return job;
}

// Of pairs that the job before it has written.
class ValueMapper final : public Mapper {
 public:
  void Map(const MapInput& input) override {
    input.ForEachPair([this](std::string_view, std::string_view value) { Emit(value, 1); });
  }
};

std::vector<JobDescription> MakeChain(Program program) {
  JobDescription first = MakeDescription(program);
  first.output.format = OutputFormat::kKeyValue;
  JobDescription values;
  values.name = "values";
  values.mapper = []() { return std::make_unique<ValueMapper>(); };
  values.aggregate = Aggregate::kSum;
  values.input = {InputFormat::kKeyValue, 0};
  return {first, values};
}

std::vector<std::string> CountValues(const std::vector<std::string>& lines) {
  std::string values;
  for (const std::string& line : lines) values += line.substr(line.find('\t') + 1) + "\n";
  const auto each_line = [](const std::string& line, const oracle::Emit& emit) { emit(line, ""); };
  return oracle::SequentialRun({values}, each_line, oracle::CountOfValues);
}

// --- The oracle's side: strings alone ---

void EachWordWithFirst(const std::string& line, const oracle::Emit& emit) {
  std::string first;
  oracle::EachWordOnce(line, [&](const std::string& word, const std::string&) {
    if (first.empty()) first = word;
    emit(word, first);
  });
}

std::string JoinedValues(const std::string&, const std::vector<std::string>& values) {
  std::string all;
  for (const std::string& value : values) all += (all.empty() ? "" : " ") + value;
  return all;
}

std::vector<std::string> LinesOf(const std::string& file) {
  std::vector<std::string> lines;
  std::string line;
  for (char c : file) {
    if (c != '\n') {
      line += c;
      continue;
    }
    lines.push_back(line);
    line.clear();
  }
  return lines;
}

std::vector<std::string> WithoutBadLines(const std::vector<std::string>& files) {
  std::vector<std::string> good;
  for (const std::string& file : files) {
    std::string kept;
    for (const std::string& line : LinesOf(file)) {
      if (line.find(kBadLine) != 0) kept += line + "\n";
    }
    good.push_back(kept);
  }
  return good;
}

std::vector<std::string> CopiedLines(const std::vector<std::string>& files) {
  std::vector<std::string> copied;
  for (const std::string& file : files) {
    for (const std::string& line : LinesOf(file)) {
      copied.push_back(line.substr(0, line.find(' ')) + "\t" + line);
    }
  }
  return copied;
}

std::string DrawLine(Random& random) {
  std::string line;
  const uint64_t words = random.Between(1, 6);
  for (uint64_t i = 0; i < words; ++i) {
    if (i > 0) line += ' ';
    line += "w" + std::to_string(random.Below(random.Chance(0.5) ? 5 : 60));
  }
  return line + "\n";
}

}  // namespace

const char* Name(Program program) {
  switch (program) {
    case Program::kCount: return "count";
    case Program::kIndex: return "index";
    case Program::kCopy: return "copy";
  }
  return "unknown";
}

const std::vector<JobDescription>& Describe(Program program, bool chained) {
  using Chains = std::vector<std::vector<JobDescription>>;
  static const Chains kAlone = {{MakeDescription(Program::kCount)},
                                {MakeDescription(Program::kIndex)},
                                {MakeDescription(Program::kCopy)}};
  static const Chains kChained = {MakeChain(Program::kCount), MakeChain(Program::kIndex)};
  return (chained ? kChained : kAlone)[static_cast<size_t>(program)];
}

Workload DrawWorkload(Random& random) {
  Workload workload;
  workload.program = static_cast<Program>(random.Below(kProgramCount));
  const uint64_t files = random.Between(1, 4);
  for (uint64_t i = 0; i < files; ++i) {
    std::string content;
    const uint64_t lines = random.Between(0, 24);
    for (uint64_t line = 0; line < lines; ++line) content += DrawLine(random);
    workload.files.push_back(std::move(content));
  }
  workload.reducers =
      workload.program == Program::kCopy ? 0 : static_cast<uint32_t>(random.Between(1, 4));
  workload.split_bytes = random.Between(60, 400);
  return workload;
}

void DrawBadLines(Workload* workload, Random& random) {
  for (std::string& file : workload->files) {
    for (size_t at = 0; at < file.size(); at = file.find('\n', at) + 1) {
      if (random.Chance(0.05)) file.insert(at, kBadLine);
    }
  }
}

std::vector<BadLine> BadLines(const Workload& workload) {
  std::vector<BadLine> bad;
  for (size_t i = 0; i < workload.files.size(); ++i) {
    uint64_t offset = 0;
    for (const std::string& line : LinesOf(workload.files[i])) {
      if (line.find(kBadLine) == 0) bad.push_back({i, offset, line.size() + 1});
      offset += line.size() + 1;
    }
  }
  return bad;
}

std::vector<std::string> ExpectedOutput(const Workload& workload) {
  const std::vector<std::string> files = WithoutBadLines(workload.files);
  if (workload.chained) {
    Workload first = workload;
    first.chained = false;
    return CountValues(ExpectedOutput(first));
  }
  switch (workload.program) {
    case Program::kCount:
      return oracle::SequentialRun(files, oracle::EachWordOnce, oracle::CountOfValues);
    case Program::kIndex: return oracle::SequentialRun(files, EachWordWithFirst, JoinedValues);
    case Program::kCopy: return CopiedLines(files);
  }
  return {};
}

int64_t ExpectedLines(const Workload& workload) {
  int64_t lines = 0;
  for (const std::string& file : WithoutBadLines(workload.files)) {
    lines += std::count(file.begin(), file.end(), '\n');
  }
  return lines;
}

}  // namespace millrace::sim
