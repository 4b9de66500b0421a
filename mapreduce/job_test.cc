#include "mapreduce/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

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

}  // namespace
}  // namespace millrace
