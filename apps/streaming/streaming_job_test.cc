#include "apps/streaming/streaming_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

StreamingFlags Flags() {
  StreamingFlags flags;
  flags.mapper = "cat -n";
  flags.reducer = "uniq";
  flags.reducers = "auto";
  flags.folder = "/home/ann";
  return flags;
}

std::string Complaint(const StreamingFlags& flags) {
  return std::string(ReadStreamingJob(flags).status().message());
}

TEST(StreamingJobTest, CommandsAreWords) {
  const auto job = ReadStreamingJob(Flags());
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_THAT(job->mapper, ElementsAre("cat", "-n"));
  EXPECT_THAT(job->reducer, ElementsAre("uniq"));
  EXPECT_FALSE(job->map_only);
  EXPECT_TRUE(job->exit_code_counts);
}

TEST(StreamingJobTest, NoneAndNoReducersMeanMapOnly) {
  StreamingFlags flags = Flags();
  flags.reducer = "NONE";
  EXPECT_TRUE(ReadStreamingJob(flags)->map_only);
  flags = Flags();
  flags.reducers = "0";
  EXPECT_TRUE(ReadStreamingJob(flags)->map_only);
  flags.combiner = "cat";
  EXPECT_THAT(Complaint(flags), HasSubstr("--combiner"));
}

TEST(StreamingJobTest, PropertiesAreInTheEnvironmentAndSomeMeanSomething) {
  StreamingFlags flags = Flags();
  flags.cmdenv = "A=1\nB=x=y";
  flags.define = "mapreduce.job.name=mine\nmy.own-thing=7\nstream.non.zero.exit.is.failure=false";
  const auto job = ReadStreamingJob(flags);
  EXPECT_EQ(job->name, "mine");
  EXPECT_FALSE(job->exit_code_counts);
  EXPECT_THAT(
      job->environment,
      UnorderedElementsAre(Pair("A", "1"), Pair("B", "x=y"), Pair("mapreduce_job_name", "mine"),
                           Pair("mapred_job_name", "mine"), Pair("my_own_thing", "7"),
                           Pair("stream_non_zero_exit_is_failure", "false")));
}

TEST(StreamingJobTest, ANameMayBeAnyTextAsInHadoop) {
  StreamingFlags flags = Flags();
  flags.define = "mapreduce.job.name=Word count: 2";
  auto job = ReadStreamingJob(flags);
  EXPECT_EQ(job->name, "Word_count__2");
  EXPECT_EQ(job->environment["mapreduce_job_name"], "Word count: 2");
  EXPECT_EQ(job->environment["mapred_job_name"], "Word count: 2");
  flags.define = "mapred.job.name=" + std::string(300, 'x');
  EXPECT_EQ(ReadStreamingJob(flags)->name, std::string(100, 'x'));
  flags.define = "mapreduce.job.name=";
  EXPECT_EQ(ReadStreamingJob(flags)->name, "streaming");
}

TEST(StreamingJobTest, SideFilesHaveNames) {
  StreamingFlags flags = Flags();
  flags.file = "map.py,/opt/lib/words.txt#list";
  const auto job = ReadStreamingJob(flags);
  ASSERT_EQ(job->side_files.size(), 2u);
  EXPECT_EQ(job->side_files[0].path, "/home/ann/map.py");
  EXPECT_EQ(job->side_files[0].name, "map.py");
  EXPECT_EQ(job->side_files[1].name, "list");
  flags.file = "map.py,map.py";
  EXPECT_EQ(ReadStreamingJob(flags)->side_files.size(), 1u);
  flags.file = "map.py#lib/map.py";
  EXPECT_THAT(Complaint(flags), HasSubstr("'lib/map.py' is no name of a file"));
  flags.file = "a/x,b/x";
  EXPECT_THAT(Complaint(flags), HasSubstr("would be named x"));
}

TEST(StreamingJobTest, WhatIsWrongIsSaidOfItsFlag) {
  StreamingFlags flags = Flags();
  flags.mapper = "";
  EXPECT_THAT(Complaint(flags), HasSubstr("--mapper is missing"));
  flags.mapper = "awk '{";
  EXPECT_THAT(Complaint(flags), HasSubstr("--mapper: 'awk '{' has a quote"));
  flags = Flags();
  flags.cmdenv = "A";
  EXPECT_THAT(Complaint(flags), HasSubstr("--cmdenv=A: needs NAME=VALUE"));
}

TEST(StreamingJobTest, ProgramsAreFoundBeforeAnythingStarts) {
  StreamingFlags flags = Flags();
  EXPECT_TRUE(CheckFiles(*ReadStreamingJob(flags)).ok());
  flags.mapper = "no-such-program x";
  EXPECT_THAT(std::string(CheckFiles(*ReadStreamingJob(flags)).message()),
              HasSubstr("--mapper: no-such-program: no such program on the PATH"));
  flags = Flags();
  flags.reducer = "./reduce";
  EXPECT_THAT(std::string(CheckFiles(*ReadStreamingJob(flags)).message()),
              HasSubstr("--reducer: /home/ann/reduce: No such file"));
  flags.reducer = "/etc/passwd";
  EXPECT_THAT(std::string(CheckFiles(*ReadStreamingJob(flags)).message()),
              HasSubstr("/etc/passwd: is not executable; chmod +x"));
  flags = Flags();
  flags.file = "/no/such/file";
  EXPECT_THAT(std::string(CheckFiles(*ReadStreamingJob(flags)).message()),
              HasSubstr("--file=/no/such/file: No such file"));
  flags.file = "/etc";
  EXPECT_THAT(std::string(CheckFiles(*ReadStreamingJob(flags)).message()),
              HasSubstr("--file=/etc: is a folder"));
}

TEST(StreamingJobTest, ASideFileIsFoundByItsName) {
  StreamingFlags flags = Flags();
  flags.file = "/bin/sh#mine";
  flags.mapper = "mine";
  EXPECT_EQ(*FindProgram(*ReadStreamingJob(flags), {"mine"}, ""), "/bin/sh");
  EXPECT_EQ(*FindProgram(*ReadStreamingJob(flags), {"./mine"}, ""), "/bin/sh");
  flags.file = "/nowhere/with/the/person#sh";
  EXPECT_EQ(*FindProgram(*ReadStreamingJob(flags), {"sh"}, "/bin"), "/bin/sh");
}

TEST(StreamingJobTest, MapsAreKnownWhenTheirProgramsAreSentOrAVersionStandsForThem) {
  StreamingFlags flags = Flags();
  flags.mapper = "./map.py -v";
  flags.reducer = "/usr/bin/uniq";  // no part of a map
  EXPECT_FALSE(IsMapKnown(*ReadStreamingJob(flags)));
  flags.file = "map.py";
  EXPECT_TRUE(IsMapKnown(*ReadStreamingJob(flags)));
  flags.combiner = "uniq";
  EXPECT_FALSE(IsMapKnown(*ReadStreamingJob(flags)));
  flags.program_version = "3";
  EXPECT_TRUE(IsMapKnown(*ReadStreamingJob(flags)));
}

TEST(StreamingJobTest, OfTheParametersOnlyTheReducersOwnAreLeftOut) {
  const auto parameters = [](void (*change)(StreamingFlags*)) {
    StreamingFlags flags = Flags();
    change(&flags);
    return MapParameters(*ReadStreamingJob(flags));
  };
  const auto same = parameters([](StreamingFlags*) {});
  EXPECT_EQ(parameters([](StreamingFlags* f) { f->reducer = "uniq -c"; }), same);
  EXPECT_NE(parameters([](StreamingFlags* f) { f->mapper += " -x"; }), same);
  EXPECT_NE(parameters([](StreamingFlags* f) { f->combiner = "uniq"; }), same);
  EXPECT_NE(parameters([](StreamingFlags* f) { f->partitioner = "cat"; }), same);
  EXPECT_NE(parameters([](StreamingFlags* f) { f->cmdenv = "A=1"; }), same);
  EXPECT_NE(parameters([](StreamingFlags* f) { f->program_version = "2"; }), same);
}

}  // namespace
}  // namespace millrace
