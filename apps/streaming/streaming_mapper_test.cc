// Programs of /bin as mappers.
#include "apps/streaming/streaming_mapper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "mapreduce/testing.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

class StreamingMapperTest : public ::testing::Test {
 protected:
  StreamingMapperTest() {
    job_.folder = "/";
    setenv("MILLRACE_WORKER", "inline", 1);  // temporary folders are for such runs
    setenv("MILLRACE_TASK", "map-00012", 1);
    setenv("MILLRACE_JOB", "job-3", 1);
  }
  TextPairs Map(const Command& command, std::string_view text) {
    job_.mapper = command;
    StreamingMapper mapper(job_);
    return RunMapper(mapper, text, &counters_);
  }
  std::string Complaint(const Command& command, std::string_view text) {
    try {
      Map(command, text);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "(none)";
  }

  StreamingJob job_;
  CounterSet counters_;
};

// Maps small files one after the other, as an attempt does; knows where that stands and how it is.
class FilesMap {
 public:
  FilesMap(const StreamingJob& job, InputFormat format) : mapper_(job), shape_{format} {
    mapper_.Attach(&emitter_, &counters_);
    mapper_.Start();
  }
  void Read(std::string_view file, std::string_view text) {
    mapper_.Map(MapInput(text, {file, /*offset=*/0, shape_}, &cursor_));
  }
  const char* record() const { return cursor_.record; }
  std::string failure() const { return std::string(emitter_.status().message()); }

 private:
  class NoPairs : public EmitSink {
   public:
    void DrainShort(const ShortPair*, int) override {}
    void DrainLong(const LongPair*, int) override {}
    void EmitPair(std::string_view, std::string_view) override {}
  };

  NoPairs sink_;
  Emitter emitter_{ValueForm::kStrings, &sink_};
  CounterSet counters_;
  InputCursor cursor_;
  StreamingMapper mapper_;
  const RecordShape shape_;
};

TEST_F(StreamingMapperTest, LinesGoInAndPairsComeOut) {
  EXPECT_THAT(Map({"sed", "s/:/\t/"}, "a:1\nb:2:3\nc\n"),
              ElementsAre(Pair("a", "1"), Pair("b", "2:3"), Pair("c", "")));
}

TEST_F(StreamingMapperTest, EveryLineGoesInWithOneKindOfEnd) {
  EXPECT_THAT(Map({"od", "-An", "-c"}, "a\r\nb"), ElementsAre(Pair("   a  \\n   b  \\n", "")));
}

TEST_F(StreamingMapperTest, ALastLineWithoutItsEndCounts) {
  EXPECT_THAT(Map({"printf", "x\ty"}, ""), ElementsAre(Pair("x", "y")));
}

TEST_F(StreamingMapperTest, AMapOnlyJobPassesLinesOnAsTheyAre) {
  job_.map_only = true;
  EXPECT_THAT(Map({"cat"}, "a\tb\n\n"), ElementsAre(Pair("", "a\tb"), Pair("", "")));
}

TEST_F(StreamingMapperTest, AMapWithoutRecordsRunsItsProgramToo) {
  EXPECT_THAT(Map({"sh", "-c", "wc -l"}, ""), ElementsAre(Pair("0", "")));
}

TEST_F(StreamingMapperTest, AFailureSaysWhatWasGivenAndWritten) {
  EXPECT_THAT(Complaint({"sh", "-c", "cat; exit 3"}, "a\nb\n"),
              AllOf(HasSubstr("the mapper 'sh -c cat; exit 3' exited with 3"),
                    HasSubstr("given 2 records and had written 2 lines")));
  EXPECT_THAT(Complaint({"sh", "-c", "kill -9 $$"}, ""), HasSubstr("was killed by SIGKILL"));
  EXPECT_THAT(Complaint({"no-such-program"}, ""), HasSubstr("the mapper: no-such-program"));
}

TEST_F(StreamingMapperTest, AFailureIsThatOfTheFileAndAtNoRecord) {
  job_.mapper = {"sh", "-c", "cat >/dev/null; exit 3"};
  FilesMap map(job_, InputFormat::kLines);
  map.Read("/in/bad", "x\n");
  EXPECT_EQ(map.failure(), "") << "nobody knows yet";
  map.Read("/in/good", "y\n");
  EXPECT_THAT(map.failure(), StartsWith("/in/bad: the mapper 'sh -c cat"));
  EXPECT_EQ(map.record(), nullptr);
}

TEST_F(StreamingMapperTest, AProgramThatCannotStartIsNotTheFaultOfARecord) {
  job_.mapper = {"no-such-program"};
  FilesMap map(job_, InputFormat::kWholeFile);
  map.Read("/in/first", "x\n");
  EXPECT_THAT(map.failure(), HasSubstr("no-such-program"));
  EXPECT_EQ(map.record(), nullptr);
}

TEST_F(StreamingMapperTest, AWholeFileThatFailsIsTheRecord) {
  job_.mapper = {"grep", "y"};
  FilesMap map(job_, InputFormat::kWholeFile);
  map.Read("/in/good", "y\n");
  EXPECT_EQ(map.record(), nullptr);
  const std::string_view bad = "x\n";
  map.Read("/in/bad", bad);
  EXPECT_THAT(map.failure(), StartsWith("/in/bad: the mapper 'grep y' exited with 1"));
  EXPECT_EQ(map.record(), bad.data());
}

TEST_F(StreamingMapperTest, ARecordThatWouldBeSeveralLinesIsRefusedAndMarked) {
  job_.mapper = {"cat"};
  FilesMap map(job_, InputFormat::kNulSeparated);
  map.Read("/in/lines", std::string_view("one\0two", 7));
  EXPECT_EQ(map.failure(), "");
  const std::string_view torn("one\0t\nwo\0three", 14);
  map.Read("/in/torn", torn);
  EXPECT_THAT(map.failure(), HasSubstr("a record has a line end in it"));
  EXPECT_EQ(map.record(), torn.data() + 4);
}

TEST_F(StreamingMapperTest, AFailureSaysTheLastStatus) {
  EXPECT_THAT(Complaint({"sh", "-c", "echo reporter:status:half way >&2; exit 3"}, ""),
              HasSubstr("; its last status was 'half way'"));
}

TEST_F(StreamingMapperTest, ALineThatNeverEndsIsTheEndOfItsProgram) {
  job_.max_line_bytes = 1 << 20;
  EXPECT_THAT(Complaint({"cat", "/dev/zero"}, ""), HasSubstr("wrote a line of more than 1 MiB"));
}

TEST_F(StreamingMapperTest, ExitCodesCanBeIgnoredButNotSignals) {
  job_.exit_code_counts = false;
  EXPECT_THAT(Map({"sh", "-c", "echo a; exit 3"}, "x\n"), ElementsAre(Pair("a", "")));
  EXPECT_THAT(Complaint({"sh", "-c", "kill -9 $$"}, ""), HasSubstr("was killed by SIGKILL"));
}

TEST_F(StreamingMapperTest, AProgramMayReadNoFurther) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += "a line\n";
  EXPECT_THAT(Map({"head", "-n", "1"}, text), ElementsAre(Pair("a line", "")));
}

TEST_F(StreamingMapperTest, CountersComeOnStandardError) {
  Map({"sh", "-c", "echo reporter:counter:lines,odd,2 >&2"}, "a\n");
  EXPECT_EQ(counters_.Get("lines", "odd")->value(), 2);
}

TEST_F(StreamingMapperTest, TheEnvironmentSaysWhereItIs) {
  job_.environment = {{"MINE", "yes"}, {"mapreduce_job_name", "named"}};
  const auto variables = Map({"env"}, "a\n");
  const auto value = [&](const std::string& name) {
    for (const auto& [line, unused] : variables) {
      if (line.rfind(name + "=", 0) == 0) return line.substr(name.size() + 1);
    }
    return std::string("(none)");
  };
  EXPECT_EQ(value("MINE"), "yes");
  EXPECT_EQ(value("mapreduce_job_name"), "named");
  EXPECT_EQ(value("mapreduce_map_input_file"), "/test/input");
  EXPECT_EQ(value("map_input_file"), "/test/input");
  EXPECT_EQ(value("mapreduce_map_input_start"), "0");
  EXPECT_EQ(value("mapreduce_task_ismap"), "true");
  EXPECT_EQ(value("mapreduce_task_partition"), "12");
  EXPECT_EQ(value("mapreduce_task_id"), "task_job-3_m_00012");
}

TEST_F(StreamingMapperTest, ItRunsAmongItsSideFiles) {
  job_.side_files = {{"/etc/passwd", "list"}};
  EXPECT_THAT(Map({"ls"}, "a\n"), ElementsAre(Pair("list", "")));
}

}  // namespace
}  // namespace millrace
