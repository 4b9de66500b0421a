// What a job's flags mean, and what a person is told when they cannot be meant.
#include "client/job_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::HasSubstr;

JobFlags Flags() {
  JobFlags flags;
  flags.input = "in";
  flags.output = "out";
  return flags;
}

JobDescription WordCount() {
  JobDescription job;
  job.name = "wordcount";
  return job;
}

JobOptions Read(const JobFlags& flags) {
  absl::StatusOr<JobOptions> options = ReadJobOptions(flags, "/home/ann", WordCount());
  EXPECT_TRUE(options.ok()) << options.status();
  return options.ok() ? *options : JobOptions();
}

std::string ErrorOf(const JobFlags& flags) {
  return std::string(ReadJobOptions(flags, "/home/ann", WordCount()).status().message());
}

TEST(JobOptionsTest, ThePlainCommandMeansALocalClusterWithOneWorkerPerCore) {
  const JobOptions options = Read(Flags());
  EXPECT_EQ(options.placement, Placement::kLocalCluster);
  EXPECT_EQ(options.local_workers, 0u);
  EXPECT_FALSE(options.reducers.has_value());
  EXPECT_EQ(options.split_bytes, 64u << 20);
  EXPECT_EQ(options.task_memory_bytes, 512u << 20);
  EXPECT_EQ(options.max_attempts, 4u);
  EXPECT_EQ(options.skip_bad_records, 0u);
  EXPECT_EQ(options.connect_timeout_ms, 10'000u);
  EXPECT_FALSE(options.progress.has_value());
}

TEST(JobOptionsTest, MapOutputsAreUsedAgainUnlessThePersonSaysOtherwise) {
  JobFlags flags = Flags();
  EXPECT_TRUE(Read(flags).reuse);
  flags.reuse = "off";
  EXPECT_FALSE(Read(flags).reuse);
  flags.reuse = "yes";
  EXPECT_EQ(ErrorOf(flags), "--reuse=yes: needs one of auto, off");
}

TEST(JobOptionsTest, RelativePathsAreSeenFromWhereThePersonStands) {
  JobFlags flags = Flags();
  flags.summary_json = "s.json";
  flags.joblog = "/var/log/job";
  flags.keep_intermediate = "keep";
  const JobOptions options = Read(flags);
  EXPECT_EQ(options.output, "/home/ann/out");
  EXPECT_EQ(options.summary_json, "/home/ann/s.json");
  EXPECT_EQ(options.joblog, "/var/log/job");
  EXPECT_EQ(options.keep_folder, "/home/ann/keep");
  EXPECT_EQ(options.scratch_folder, "");
  EXPECT_EQ(Read(Flags()).keep_folder, "");
}

TEST(JobOptionsTest, InputAndOutputAreNeeded) {
  JobFlags flags = Flags();
  flags.input = "";
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--input is missing"));
  flags = Flags();
  flags.output = "";
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--output is missing"));
}

TEST(JobOptionsTest, ReducersAreBounded) {
  JobFlags flags = Flags();
  flags.reducers = "-1";
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--reducers=-1: needs a whole number from 0 to 99999"));
  flags.reducers = "100000";
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--reducers=100000: needs a whole number"));
  flags.reducers = "99999";
  EXPECT_EQ(Read(flags).reducers, 99'999u);
}

TEST(JobOptionsTest, SkippedRecordsAreBounded) {
  JobFlags flags = Flags();
  flags.skip_bad_records = "1000";
  EXPECT_EQ(Read(flags).skip_bad_records, 1000u);
  flags.skip_bad_records = "1001";
  EXPECT_EQ(ErrorOf(flags), "--skip_bad_records=1001: needs a whole number from 0 to 1000");
  flags.skip_bad_records = "all";
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--skip_bad_records=all: "));
}

TEST(JobOptionsTest, MapOnlyIsForJobsWithThatMeaning) {
  JobFlags flags = Flags();
  flags.reducers = "0";
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--reducers=0: wordcount has no map-only meaning"));
  JobDescription grep;
  grep.allows_map_only = true;
  EXPECT_EQ(ReadJobOptions(flags, "/", grep)->reducers, 0u);
}

TEST(JobOptionsTest, AJobThatIsMapOnlyNeedsNoFlagAndTakesNoReducers) {
  JobDescription grep;
  grep.name = "grep";
  grep.map_only = true;
  JobFlags flags = Flags();
  EXPECT_EQ(ReadJobOptions(flags, "/", grep)->reducers, 0u);
  flags.reducers = "0";
  EXPECT_EQ(ReadJobOptions(flags, "/", grep)->reducers, 0u);
  flags.reducers = "4";
  EXPECT_EQ(ReadJobOptions(flags, "/", grep).status().message(),
            "--reducers=4: grep is map-only, with a part for each map; leave the flag out");
}

TEST(JobOptionsTest, WorkersAreANumberOrInline) {
  JobFlags flags = Flags();
  flags.workers = "4";
  EXPECT_EQ(Read(flags).local_workers, 4u);
  flags.workers = "inline";
  EXPECT_EQ(Read(flags).placement, Placement::kInline);
  flags.workers = "0";
  EXPECT_EQ(ErrorOf(flags), "--workers=0: needs a whole number from 1 to 256, or 'inline'");
}

TEST(JobOptionsTest, ARunningClusterHasWorkersAlready) {
  JobFlags flags = Flags();
  flags.master = "127.0.0.1:7070";
  EXPECT_EQ(Read(flags).placement, Placement::kCluster);
  flags.workers = "4";
  EXPECT_THAT(ErrorOf(flags), HasSubstr("exclude each other"));
}

TEST(JobOptionsTest, AMastersAddressHasAPort) {
  JobFlags flags = Flags();
  flags.master = "nonsense";
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--master=nonsense: "));
}

TEST(JobOptionsTest, DetachingNeedsAClusterThatStays) {
  JobFlags flags = Flags();
  flags.detach = true;
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--detach needs --master"));
  flags.master = "127.0.0.1:7070";
  EXPECT_TRUE(Read(flags).detach);
}

TEST(JobOptionsTest, ADetachedClientCannotWriteReports) {
  JobFlags flags = Flags();
  flags.master = "127.0.0.1:7070";
  flags.detach = true;
  flags.joblog = "log";
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--detach and --joblog exclude each other"));
  flags.summary_json = "s.json";
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--detach and --summary_json exclude each other"));
}

TEST(JobOptionsTest, ChoicesAreNamedWhenWrong) {
  JobFlags flags = Flags();
  flags.shuffle = "disk";
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--shuffle=disk: needs one of auto, network"));
  flags = Flags();
  flags.progress = "json";
  flags.shuffle = "network";
  EXPECT_EQ(Read(flags).progress, ProgressMode::kJson);
  EXPECT_EQ(Read(flags).shuffle, ShuffleMode::kNetwork);
}

TEST(JobOptionsTest, AJobMayKnowHowManyPartsItHas) {
  JobDescription job = WordCount();
  job.reducers = 1;
  JobFlags flags = Flags();
  EXPECT_EQ(ReadJobOptions(flags, "/home/ann", job)->reducers, 1u);
  flags.reducers = "2";
  EXPECT_THAT(std::string(ReadJobOptions(flags, "/home/ann", job).status().message()),
              ::testing::HasSubstr("always has 1 part; leave the flag out"));
}

TEST(DefaultReducersTest, EightPerSlotButNoneForLessThanSixteenMebibytes) {
  EXPECT_EQ(DefaultReducers(/*slots=*/2, /*input_bytes=*/1 << 30), 16u);
  EXPECT_EQ(DefaultReducers(2, 40 << 20), 3u);
  EXPECT_EQ(DefaultReducers(2, 100), 1u);
  EXPECT_EQ(DefaultReducers(2, 0), 1u);
  EXPECT_EQ(DefaultReducers(0, 1 << 30), 1u);
  EXPECT_EQ(DefaultReducers(100'000, ~uint64_t{0} >> 1), 99'999u);
}

// --- Formats ---

JobDescription WithFormats(const JobFlags& flags, JobDescription job = WordCount()) {
  EXPECT_TRUE(ReadFormats(flags, &job).ok());
  return job;
}

std::string FormatErrorOf(const JobFlags& flags) {
  JobDescription job = WordCount();
  return std::string(ReadFormats(flags, &job).message());
}

TEST(FormatsTest, WithoutFlagsTheyAreWhatTheJobSays) {
  JobDescription job = WordCount();
  EXPECT_EQ(WithFormats(Flags(), job).input, RecordShape());
  EXPECT_EQ(WithFormats(Flags(), job).output, OutputShape());
  job.input.format = InputFormat::kNulSeparated;
  job.output.format = OutputFormat::kKeyValue;
  EXPECT_EQ(WithFormats(Flags(), job).input.format, InputFormat::kNulSeparated);
  EXPECT_EQ(WithFormats(Flags(), job).output.format, OutputFormat::kKeyValue);
}

TEST(FormatsTest, FlagsTakeTheirPlace) {
  JobFlags flags = Flags();
  flags.input_format = "whole_file";
  flags.output_format = "nul";
  flags.output_compression = "zstd";
  flags.escape_output = true;
  const JobDescription job = WithFormats(flags);
  EXPECT_EQ(job.input.format, InputFormat::kWholeFile);
  EXPECT_EQ(job.output.format, OutputFormat::kNulSeparated);
  EXPECT_TRUE(job.output.zstd);
  EXPECT_TRUE(job.output.escape);
}

TEST(FormatsTest, ASizeOfRecordsMeansThatTheyHaveOne) {
  JobFlags flags = Flags();
  flags.record_bytes = "100";
  EXPECT_EQ(WithFormats(flags).input, (RecordShape{InputFormat::kFixedSize, 100}));
  flags.input_format = "nul";
  EXPECT_THAT(FormatErrorOf(flags), HasSubstr("exclude each other"));
  flags.record_bytes = "";
  flags.input_format = "fixed";
  EXPECT_THAT(FormatErrorOf(flags), HasSubstr("needs --record_bytes=N"));
}

TEST(FormatsTest, AnOutputLikeTheInputFollowsIt) {
  JobDescription sort = WordCount();
  sort.output.format = OutputFormat::kLikeInput;
  JobFlags flags = Flags();
  EXPECT_EQ(WithFormats(flags, sort).output.format, OutputFormat::kText);
  EXPECT_FALSE(WithFormats(flags, sort).output.keys);
  flags.input_format = "nul";
  EXPECT_EQ(WithFormats(flags, sort).output.format, OutputFormat::kNulSeparated);
  flags.input_format = "key_value";
  EXPECT_EQ(WithFormats(flags, sort).output.format, OutputFormat::kKeyValue);
  flags.input_format = "auto";
  flags.record_bytes = "8";
  EXPECT_EQ(WithFormats(flags, sort).output.format, OutputFormat::kRecords);
  EXPECT_TRUE(WithFormats(flags, sort).output.keys);
}

TEST(FormatsTest, WhatDoesNotGoTogetherIsRefused) {
  JobFlags flags = Flags();
  flags.output_format = "key_value";
  flags.output_compression = "zstd";
  EXPECT_THAT(FormatErrorOf(flags), HasSubstr("choose one of the two"));
  flags.output_compression = "none";
  flags.escape_output = true;
  EXPECT_THAT(FormatErrorOf(flags), HasSubstr("--escape_output is for"));
  flags = Flags();
  flags.output_format = "csv";
  EXPECT_THAT(FormatErrorOf(flags), HasSubstr("--output_format=csv"));
}

TEST(JobOptionsTest, AJobWithInputsOfItsOwnHasNoInputFlag) {
  JobDescription join = WordCount();
  join.inputs = {"left", "right"};
  JobFlags flags = Flags();
  EXPECT_THAT(std::string(ReadJobOptions(flags, "/home/ann", join).status().message()),
              HasSubstr("has flags of its own for its inputs"));
  flags.input = "";
  EXPECT_EQ(ReadJobOptions(flags, "/home/ann", join)->inputs, join.inputs);
}

TEST(FormatsTest, JobsOfAChainHandEachOtherKeyValueFiles) {
  JobFlags flags = Flags();
  flags.input_format = "nul";
  flags.output_compression = "zstd";
  std::vector<JobDescription> chain(3, WordCount());
  ASSERT_TRUE(ReadFormats(flags, &chain).ok());
  EXPECT_EQ(chain[0].input.format, InputFormat::kNulSeparated);
  EXPECT_EQ(chain[0].output.format, OutputFormat::kKeyValue);
  EXPECT_FALSE(chain[0].output.zstd);
  EXPECT_EQ(chain[1].input.format, InputFormat::kKeyValue);
  EXPECT_EQ(chain[1].output.format, OutputFormat::kKeyValue);
  EXPECT_EQ(chain[2].input.format, InputFormat::kKeyValue);
  EXPECT_EQ(chain[2].output.format, OutputFormat::kText);
  EXPECT_TRUE(chain[2].output.zstd);
}

// --- The order of values ---

JobDescription WithOrder(const JobFlags& flags, const JobDescription& job = WordCount()) {
  std::vector<JobDescription> chain = {job};
  EXPECT_TRUE(ReadValueOrder(flags, &chain).ok());
  return chain[0];
}

std::string OrderErrorOf(const JobFlags& flags, size_t jobs = 1) {
  std::vector<JobDescription> chain(jobs, WordCount());
  return std::string(ReadValueOrder(flags, &chain).message());
}

TEST(ValueOrderTest, WithoutFlagsItIsWhatTheJobSays) {
  EXPECT_FALSE(WithOrder(Flags()).is_ordered());
  JobDescription job = WordCount();
  job.sort_values = true;
  job.key_fields = 3;
  EXPECT_TRUE(WithOrder(Flags(), job).sort_values);
  EXPECT_EQ(WithOrder(Flags(), job).key_fields, 3u);
}

TEST(ValueOrderTest, FlagsTakeItsPlace) {
  JobFlags flags = Flags();
  flags.sort_values = true;
  EXPECT_TRUE(WithOrder(flags).sort_values);
  flags = Flags();
  flags.key_fields = "1";
  flags.sort_fields = "1000";
  EXPECT_EQ(WithOrder(flags).key_fields, 1u);
  EXPECT_EQ(WithOrder(flags).sort_fields, 1000u);
  flags.key_fields = "1001";
  EXPECT_EQ(OrderErrorOf(flags), "--key_fields=1001: needs a whole number from 0 to 1000");
  flags.key_fields = "1";
  flags.sort_fields = "-2";
  EXPECT_EQ(OrderErrorOf(flags), "--sort_fields=-2: needs a whole number from 0 to 1000");
}

TEST(ValueOrderTest, ForJobsOfAChainItsAuthorSaysIt) {
  EXPECT_EQ(OrderErrorOf(Flags(), /*jobs=*/2), "");
  JobFlags flags = Flags();
  flags.key_fields = "1";
  EXPECT_EQ(OrderErrorOf(flags, /*jobs=*/2),
            "--key_fields: wordcount is a chain of 2 jobs, whose program says how each orders its "
            "values; leave the flag out");
}

TEST(ValueOrderTest, NeedsAPart) {
  JobDescription job = WordCount();
  job.allows_map_only = true;
  job.sort_values = true;
  JobFlags flags = Flags();
  EXPECT_TRUE(ReadJobOptions(flags, "/", job).ok());
  flags.reducers = "0";
  EXPECT_THAT(std::string(ReadJobOptions(flags, "/", job).status().message()),
              HasSubstr("--reducers=0: --sort_values and --key_fields need at least one part"));
}

}  // namespace
}  // namespace millrace
