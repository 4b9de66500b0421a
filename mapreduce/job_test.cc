#include "mapreduce/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NoMapper : public Mapper {
 public:
  void Map(const MapInput&) override {}
};
class NoReducer : public Reducer {
 public:
  void Reduce(ReduceInput&) override {}
};

JobDescription GoodJob() {
  JobDescription job;
  job.name = "good";
  job.mapper = [] { return std::make_unique<NoMapper>(); };
  job.reducer = [] { return std::make_unique<NoReducer>(); };
  return job;
}

std::string Complaint(const JobDescription& job) { return std::string(Validate(job).message()); }

TEST(JobTest, AMapperAndAReducerAreEnough) { EXPECT_TRUE(Validate(GoodJob()).ok()); }

TEST(JobTest, WithoutAReducerThePairsOrTheTotalsAreTheOutput) {
  JobDescription job = GoodJob();
  job.reducer = nullptr;
  EXPECT_TRUE(Validate(job).ok());
  job.aggregate = Aggregate::kMax;
  EXPECT_TRUE(Validate(job).ok());
}

TEST(JobTest, TotalsThatBecomeValuesNeedSomebodyWhoReadsThem) {
  JobDescription job = GoodJob();
  job.totals_become_values = true;
  EXPECT_THAT(Complaint(job), HasSubstr("totals_become_values needs an aggregate and a reducer"));
  job.aggregate = Aggregate::kBitOr;
  EXPECT_TRUE(Validate(job).ok());
  EXPECT_FALSE(job.reduces_totals());
  job.reducer = nullptr;
  EXPECT_FALSE(Validate(job).ok());
}

TEST(JobTest, AnOrderOfAllKeysLeavesNothingForAPartitioner) {
  JobDescription job = GoodJob();
  job.total_order = true;
  EXPECT_TRUE(Validate(job).ok());
  job.partitioner = [] { return std::make_unique<HashPartitioner>(); };
  EXPECT_THAT(Complaint(job), HasSubstr("both total_order and a partitioner"));
}

TEST(JobTest, AJobThatIsMapOnlyHasAMapperAlone) {
  JobDescription job = GoodJob();
  job.map_only = true;
  EXPECT_THAT(Complaint(job), HasSubstr("is map_only, and has a reducer"));
  job.reducer = nullptr;
  EXPECT_TRUE(Validate(job).ok());
  job.aggregate = Aggregate::kSum;
  EXPECT_THAT(Complaint(job), HasSubstr("is map_only"));
}

TEST(JobTest, ValuesMayBeOrderedAsTheyAreOrByFields) {
  JobDescription job = GoodJob();
  EXPECT_FALSE(job.is_ordered());
  job.sort_values = true;
  EXPECT_TRUE(Validate(job).ok());
  job.key_fields = 2;
  EXPECT_TRUE(Validate(job).ok());
  job.sort_values = false;
  job.sort_fields = 2;
  EXPECT_TRUE(Validate(job).ok());
  EXPECT_TRUE(job.is_ordered());
}

TEST(JobTest, FieldsToSortByBeginWithThoseOfTheKey) {
  JobDescription job = GoodJob();
  job.sort_fields = 2;
  EXPECT_EQ(Complaint(job),
            "job 'good': sort_fields=2 needs key_fields: say how many of them are the key");
  job.key_fields = 3;
  EXPECT_THAT(Complaint(job), HasSubstr("sort_fields=2 is less than key_fields=3"));
  job.sort_fields = 3;
  job.sort_values = true;
  EXPECT_THAT(Complaint(job), HasSubstr("both sort_values and sort_fields=3"));
}

TEST(JobTest, AnOrderOfValuesNeedsASortThatSeesAllOfThem) {
  JobDescription ordered = GoodJob();
  ordered.sort_values = true;
  JobDescription job = ordered;
  job.aggregate = Aggregate::kSum;
  EXPECT_EQ(Complaint(job),
            "job 'good': has both sort_values and an aggregate, which folds values as they are "
            "emitted; drop one");
  job = ordered;
  job.combiner = job.reducer;
  EXPECT_THAT(Complaint(job), HasSubstr("both sort_values and a combiner"));
  job = ordered;
  job.total_order = true;
  EXPECT_THAT(Complaint(job), HasSubstr("both sort_values and total_order"));
  job = ordered;
  job.reducer = nullptr;
  job.map_only = true;
  EXPECT_THAT(Complaint(job), HasSubstr("both sort_values and map_only"));
  job = GoodJob();
  job.key_fields = 1;
  job.aggregate = Aggregate::kSum;
  EXPECT_THAT(Complaint(job), HasSubstr("both key_fields and an aggregate"));
}

TEST(JobTest, SaysWhatIsWrong) {
  JobDescription job = GoodJob();
  job.mapper = nullptr;
  EXPECT_THAT(Complaint(job), HasSubstr("'good': JobDescription::mapper is missing"));
  job = GoodJob();
  job.aggregate = Aggregate::kSum;
  job.combiner = job.reducer;
  EXPECT_THAT(Complaint(job), HasSubstr("both an aggregate and a combiner"));
  job = GoodJob();
  job.name = "";
  EXPECT_THAT(Complaint(job), HasSubstr("name is empty"));
  job.name = "a/b";
  EXPECT_THAT(Complaint(job), HasSubstr("'a/b'"));
}

TEST(JobTest, AnyTextHasANameThatAJobMayHave) {
  EXPECT_EQ(NameFor("a/b c.d-e_1"), "a_b_c.d-e_1");
  EXPECT_EQ(NameFor(std::string(kJobNameMax + 1, 'x')), std::string(kJobNameMax, 'x'));
}

// --- Chains ---

JobDescription After(const JobDescription& before) {
  JobDescription job = GoodJob();
  job.after = std::make_shared<JobDescription>(before);
  return job;
}

std::string ChainComplaint(const JobDescription& job) {
  return std::string(Validate(ChainOf(job)).message());
}

TEST(ChainTest, IsFirstToLast) {
  JobDescription first = GoodJob();
  first.name = "first";
  const std::vector<JobDescription> chain = ChainOf(After(After(first)));
  ASSERT_EQ(chain.size(), 3u);
  EXPECT_EQ(chain[0].name, "first");
  EXPECT_EQ(chain[2].name, "good");
  EXPECT_EQ(chain[2].after, nullptr);
  EXPECT_TRUE(Validate(chain).ok());
  EXPECT_EQ(ChainOf(GoodJob()).size(), 1u);
}

TEST(ChainTest, EachJobIsLookedAt) {
  JobDescription first = GoodJob();
  first.mapper = nullptr;
  EXPECT_THAT(ChainComplaint(After(first)), HasSubstr("JobDescription::mapper is missing"));
}

TEST(ChainTest, OnlyTheFirstReadsFiles) {
  JobDescription last = After(GoodJob());
  last.inputs = {"more"};
  EXPECT_THAT(ChainComplaint(last), HasSubstr("has both inputs and a job that it comes after"));
  last = After(GoodJob());
  last.total_order = true;
  EXPECT_THAT(ChainComplaint(last), HasSubstr("total_order needs a sample of the input"));
}

TEST(ChainTest, OnlyTheLastMayBeMapOnly) {
  JobDescription map_only = GoodJob();
  map_only.reducer = nullptr;
  map_only.map_only = true;
  EXPECT_THAT(ChainComplaint(After(map_only)), HasSubstr("needs a reducer"));
  map_only.after = std::make_shared<JobDescription>(GoodJob());
  EXPECT_EQ(ChainComplaint(map_only), "");
}

TEST(ChainTest, ItsJobsMayShareSideFilesButNotTheirNames) {
  JobDescription first = GoodJob();
  first.side_files = {SideFile{"/a/stop_words", "words"}, SideFile{"/a/map.py", "map.py"}};
  JobDescription last = After(first);
  last.name = "last";
  last.side_files = {SideFile{"/a/stop_words", "words"}, SideFile{"/b/sum.py", "sum.py"}};
  EXPECT_EQ(ChainComplaint(last), "");
  std::vector<std::string> paths;
  for (const SideFile& file : SideFilesOf(ChainOf(last))) paths.push_back(file.path);
  EXPECT_THAT(paths, ElementsAre("/a/stop_words", "/a/map.py", "/b/sum.py"));
  last.side_files.push_back({"/b/map.py", "map.py"});
  EXPECT_EQ(ChainComplaint(last),
            "job 'last': has /b/map.py as the side file 'map.py', which is /a/map.py already, and "
            "all side files lie in one folder; name one otherwise");
}

TEST(ChainTest, HasAnEnd) {
  JobDescription job = GoodJob();
  for (size_t i = 0; i < kChainMax; ++i) job = After(job);
  EXPECT_THAT(ChainComplaint(job), HasSubstr("more than 16 jobs"));
}

}  // namespace
}  // namespace millrace
