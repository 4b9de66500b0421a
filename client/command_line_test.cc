// How a command line is read, and what a person is told when it is wrong.
#include "client/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::vector<KnownFlag> Flags() {
  return {{"input", false, "", "Files to read."},
          {"output", false, "", "Folder to write."},
          {"reducers", false, "auto", "Parts of the output."},
          {"overwrite", true, "false", "Replace the output."}};
}

absl::StatusOr<CommandLine> Scan(const std::vector<std::string>& arguments) {
  return ScanArguments(arguments, Flags(), /*positional_allowed=*/false);
}

std::string ErrorOf(const std::vector<std::string>& arguments) {
  return std::string(Scan(arguments).status().message());
}

TEST(ScanArgumentsTest, TakesAValueAfterEqualsOrAsTheNextArgument) {
  EXPECT_THAT(Scan({"--input=a=b", "-output", "dir"})->settings,
              ElementsAre(Pair("input", "a=b"), Pair("output", "dir")));
}

TEST(ScanArgumentsTest, ASwitchNeedsNoValueAndTakesNone) {
  EXPECT_THAT(Scan({"--overwrite", "--input=x"})->settings,
              ElementsAre(Pair("overwrite", "true"), Pair("input", "x")));
  EXPECT_THAT(Scan({"--nooverwrite"})->settings, ElementsAre(Pair("overwrite", "false")));
}

TEST(ScanArgumentsTest, DashesInANameMeanUnderscores) {
  const std::vector<KnownFlag> known = {{"split_mb", false, "64", ""}};
  EXPECT_THAT(ScanArguments({"--split-mb=8"}, known, /*positional_allowed=*/false)->settings,
              ElementsAre(Pair("split_mb", "8")));
}

TEST(ScanArgumentsTest, ANegativeNumberIsAValue) {
  EXPECT_THAT(Scan({"--reducers", "-1"})->settings, ElementsAre(Pair("reducers", "-1")));
}

TEST(ScanArgumentsTest, AnUnknownFlagIsAnsweredWithTheNearestOne) {
  EXPECT_THAT(ErrorOf({"--inptu=x"}), HasSubstr("unknown flag --inptu; did you mean --input?"));
  EXPECT_THAT(ErrorOf({"--reducer=3"}), HasSubstr("did you mean --reducers?"));
  EXPECT_THAT(ErrorOf({"--colour=red"}), HasSubstr("unknown flag --colour; --help lists"));
}

TEST(ScanArgumentsTest, ARepeatedFlagIsRefusedUnlessItSaysTheSame) {
  EXPECT_THAT(ErrorOf({"--input=a", "--input=b"}),
              HasSubstr("--input is given twice, as 'a' and as 'b'"));
  EXPECT_TRUE(Scan({"--input=a", "--input=a"}).ok());
}

TEST(ScanArgumentsTest, AMissingValueIsNotTakenFromTheNextFlag) {
  EXPECT_THAT(ErrorOf({"--input", "--output=x"}), HasSubstr("--input needs a value"));
  EXPECT_THAT(ErrorOf({"--input"}), HasSubstr("--input needs a value"));
}

TEST(ScanArgumentsTest, AStrayArgumentIsRefusedWhereItMeansNothing) {
  EXPECT_THAT(ErrorOf({"file.txt"}), HasSubstr("'file.txt' is not a flag"));
  EXPECT_THAT(ScanArguments({"job", "--", "--3"}, Flags(), /*positional_allowed=*/true)->positional,
              ElementsAre("job", "--3"));
}

TEST(ScanArgumentsTest, HelpAndVersionAreSeenAnywhere) {
  EXPECT_TRUE(Scan({"--input=x", "--help"})->help);
  EXPECT_TRUE(Scan({"--version"})->version);
}

TEST(HelpTextTest, ShowsGroupsDefaultsExamplesAndExitCodes) {
  Program program{"wordcount", "Counts words.", "--input=P", {}, {"wordcount --input=a"}, false};
  program.groups = {{"Input", {"input"}}, {"Output", {"reducers", "overwrite"}}};
  const std::string help = HelpText(program, Flags());
  EXPECT_THAT(help, HasSubstr("Counts words.\n\nUsage: wordcount --input=P\n"));
  EXPECT_THAT(help, HasSubstr("\nInput\n  --input=\n      Files to read.\n"));
  EXPECT_THAT(help, HasSubstr("\nOutput\n  --reducers=auto\n      Parts of the output.\n"));
  EXPECT_THAT(help, HasSubstr("  --overwrite\n"));
  EXPECT_THAT(help, HasSubstr("\nExamples\n  wordcount --input=a\n"));
  EXPECT_THAT(help, HasSubstr("  5  waiting timed out; the job goes on\n"));
}

TEST(HelpTextTest, LeavesOutWhatIsKnownButOfNoUse) {
  Program program{"join", "Joins.", "--left=P", {}, {}, false};
  program.groups = {{kHiddenGroup, {"input"}}, {"Output", {"reducers"}}};
  EXPECT_THAT(HelpText(program, Flags()), HasSubstr("--left=P\n\nOutput\n  --reducers=auto\n"));
}

TEST(HelpTextTest, BreaksLongLines) {
  Program program{"p", "s", "", {{"G", {"long"}}}, {}, false};
  const std::vector<KnownFlag> known = {
      {"long", false, "", std::string(60, 'a') + " " + std::string(60, 'b')}};
  EXPECT_THAT(HelpText(program, known), HasSubstr("      " + std::string(60, 'a') + "\n      " +
                                                  std::string(60, 'b') + "\n"));
}

TEST(ReadValueTest, ErrorsNameTheFlagTheValueAndWhatIsAllowed) {
  EXPECT_EQ(*ReadCount("reducers", "4", 0, 99999), 4u);
  EXPECT_EQ(ReadCount("reducers", "-1", 0, 99999).status().message(),
            "--reducers=-1: needs a whole number from 0 to 99999");
  EXPECT_FALSE(ReadCount("reducers", "100000", 0, 99999).ok());
  EXPECT_FALSE(ReadCount("reducers", "4x", 0, 99999).ok());
  EXPECT_EQ(*ReadMilliseconds("lease", "1m30s"), 90000u);
  EXPECT_THAT(std::string(ReadMilliseconds("lease", "10").status().message()),
              HasSubstr("--lease=10: needs a duration"));
  EXPECT_FALSE(ReadMilliseconds("lease", "inf").ok());
  EXPECT_EQ(*ReadChoice("shuffle", "network", {"auto", "network"}), 1u);
  EXPECT_EQ(ReadChoice("shuffle", "disk", {"auto", "network"}).status().message(),
            "--shuffle=disk: needs one of auto, network");
}

}  // namespace
}  // namespace millrace
