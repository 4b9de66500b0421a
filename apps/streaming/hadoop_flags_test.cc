#include "apps/streaming/hadoop_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Words = std::vector<std::string>;

Words Ours(const Words& arguments) {
  const auto result = FromHadoopFlags(arguments);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.value_or(Words());
}

std::string Complaint(const Words& arguments) {
  return std::string(FromHadoopFlags(arguments).status().message());
}

TEST(HadoopFlagsTest, AWholeCommandOfHadoop) {
  EXPECT_THAT(
      Ours({"-D", "mapreduce.job.name=cut", "-input", "in", "-output", "out", "-mapper", "cut -f 1",
            "-reducer", "uniq -c", "-combiner", "cat", "-numReduceTasks", "4"}),
      ElementsAre("--output=out", "--mapper=cut -f 1", "--reducer=uniq -c", "--combiner=cat",
                  "--reducers=4", "--define=mapreduce.job.name=cut", "--input=in"));
}

TEST(HadoopFlagsTest, OurFlagsPassAndMayBeMixedIn) {
  EXPECT_THAT(Ours({"--workers=2", "--overwrite", "-mapper", "-x", "--master", "h:1"}),
              ElementsAre("--workers=2", "--overwrite", "--mapper=-x", "--master", "h:1"));
}

TEST(HadoopFlagsTest, WhatMayBeRepeatedIsJoined) {
  EXPECT_THAT(Ours({"-input", "a", "--input=b,c", "-file", "x", "-files", "y,z", "-cmdenv", "A=1",
                    "-cmdenv", "B=2 3", "-Dk=v", "-jobconf", "l=w", "--define", "m=x"}),
              ElementsAre("--cmdenv=A=1\nB=2 3", "--define=k=v\nl=w\nm=x", "--file=x,y,z",
                          "--input=a,b,c"));
}

TEST(HadoopFlagsTest, WhatComesOutMayGoInAgain) {
  const Words once = Ours({"-input", "a", "-input", "b", "-mapper", "m", "-D", "k=v", "-D", "l=w"});
  EXPECT_EQ(Ours(once), once);
}

TEST(HadoopFlagsTest, TheNumberOfReducesMayBeAProperty) {
  EXPECT_THAT(Ours({"-D", "mapreduce.job.reduces=0"}), ElementsAre("--reducers=0"));
  EXPECT_THAT(Ours({"-D", "mapred.reduce.tasks=3"}), ElementsAre("--reducers=3"));
}

TEST(HadoopFlagsTest, FieldsOfTheKeyAreItAndThoseForThePartitionGroup) {
  EXPECT_THAT(Ours({"-D", "stream.num.map.output.key.fields=2"}), ElementsAre("--key_fields=2"));
  EXPECT_THAT(
      Ours({"-D", "num.key.fields.for.partition=2", "-D", "stream.num.map.output.key.fields=4",
            "-partitioner", "org.apache.hadoop.mapred.lib.KeyFieldBasedPartitioner"}),
      ElementsAre("--key_fields=2", "--sort_fields=4"));
  EXPECT_THAT(Ours({"-D", "stream.num.map.output.key.fields=3", "-D",
                    "mapreduce.partition.keypartitioner.options=-k1,1"}),
              ElementsAre("--key_fields=1", "--sort_fields=3"));
  const Words once = Ours({"-D", "stream.num.map.output.key.fields=2", "-mapper", "m"});
  EXPECT_EQ(Ours(once), once);
}

TEST(HadoopFlagsTest, FieldsThatMakeNoSenseAreRefused) {
  EXPECT_EQ(Complaint({"-D", "stream.num.map.output.key.fields=two"}),
            "-D stream.num.map.output.key.fields=two: needs a whole number from 1");
  EXPECT_THAT(Complaint({"-D", "num.key.fields.for.partition=2"}),
              HasSubstr("but the key has 1; give it as many with -D stream.num.map.output.key"));
  for (const char* options : {"-k2,2", "-k1", "-k1,2n", "-n"}) {
    EXPECT_THAT(
        Complaint({"-D", std::string("mapreduce.partition.keypartitioner.options=") + options}),
        HasSubstr("the first M fields, -k1,M"));
  }
}

TEST(HadoopFlagsTest, TextIsTheOnlyFormat) {
  EXPECT_THAT(Ours({"-inputformat", "org.apache.hadoop.mapred.TextInputFormat", "-outputformat",
                    "TextOutputFormat", "-io", "text"}),
              ElementsAre());
  EXPECT_THAT(Complaint({"-inputformat", "NLineInputFormat"}), HasSubstr("NLineInputFormat"));
  EXPECT_THAT(Complaint({"-io", "typedbytes"}), HasSubstr("-io typedbytes is not supported"));
}

TEST(HadoopFlagsTest, WhatIsNotSupportedIsRefusedByNameWithWhatToUse) {
  EXPECT_THAT(Complaint({"-archives", "a.zip"}),
              AllOf(HasSubstr("-archives"), HasSubstr("--file")));
  EXPECT_THAT(Complaint({"-D", "stream.map.output.field.separator=."}), HasSubstr("by tabs"));
  EXPECT_THAT(Complaint({"-partitioner", "org.apache.hadoop.mapred.lib.TotalOrderPartitioner"}),
              HasSubstr("a program of your own"));
  EXPECT_THAT(Complaint({"-reducer", "aggregate"}), HasSubstr("-reducer aggregate"));
}

TEST(HadoopFlagsTest, PropertiesThatWouldChangeTheOutputAreRefusedByName) {
  EXPECT_EQ(Complaint({"-D", "mapreduce.output.fileoutputformat.compress=true"}),
            "-D mapreduce.output.fileoutputformat.compress is not supported: use "
            "--output_compression=zstd");
  for (const char* property :
       {"mapred.output.compress=true", "stream.map.output=typedbytes", "stream.map.input=rawbytes",
        "stream.reduce.output=typedbytes", "textinputformat.record.delimiter=;",
        "stream.map.input.ignoreKey=false", "mapreduce.output.textoutputformat.separator=:",
        "mapreduce.job.outputformat.class=org.apache.hadoop.mapred.SequenceFileOutputFormat",
        "mapreduce.job.output.group.comparator.class=Mine", "mapred.output.dir=there"}) {
    const std::string setting = property;
    EXPECT_THAT(Complaint({"-D", setting}),
                HasSubstr("-D " + setting.substr(0, setting.find('=')) + " is not supported: "));
  }
}

TEST(HadoopFlagsTest, PropertiesThatChangeNothingPass) {
  for (const char* property :
       {"mapreduce.output.fileoutputformat.compress=false", "stream.map.output=text",
        "mapreduce.job.inputformat.class=org.apache.hadoop.mapred.TextInputFormat",
        "mapreduce.map.failures.maxpercent=0", "mapreduce.map.output.compress=true", "mine=1"}) {
    EXPECT_THAT(Ours({"-D", property}), ElementsAre(std::string("--define=") + property));
  }
  const Words once = Ours({"-D", "stream.map.output=text", "-D", "mine=1"});
  EXPECT_EQ(Ours(once), once);
}

TEST(HadoopFlagsTest, AFlagWithoutItsValueIsRefused) {
  EXPECT_EQ(Complaint({"-mapper"}), "-mapper needs a value");
}

}  // namespace
}  // namespace millrace
