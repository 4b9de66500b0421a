// What a person sees while a job runs, and when.
#include "client/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

// Half of the maps done, half of the bytes read, no reduce yet.
JobView HalfMapped() {
  JobView view;
  view.job = JobId(3);
  view.version = 7;
  view.stages = {{StageKind::kMap, 16, 8, 4}, {StageKind::kReduce, 4, 0, 0}};
  view.input_bytes = 1 << 20;
  view.mapped_bytes = 1 << 19;
  view.workers_joined = 4;
  view.workers_lost = 1;
  view.wall_ms = 2000;
  return view;
}

class Screen {
 public:
  explicit Screen(ProgressMode mode)
      : reporter(
            mode, [this](std::string_view text) { writes.emplace_back(text); },
            [] { return size_t{80}; }) {}

  std::vector<std::string> writes;
  ProgressReporter reporter;
};

TEST(BarLineTest, ShowsTasksRateWorkersAndTimes) {
  EXPECT_EQ(BarLine(HalfMapped(), {3 << 20, 1500}, 200),
            "[#######-------------] map 8/16  reduce 0/4  3 MiB/s  3 workers  2.00 s  "
            "about 1.50 s of map left");
}

TEST(BarLineTest, NumbersThatDoNotFitAreLeftOut) {
  const ProgressRates rates = {3 << 20, 1500};
  EXPECT_EQ(BarLine(HalfMapped(), rates, 70),
            "[#######-------------] map 8/16  reduce 0/4  3 MiB/s  3 workers");
  EXPECT_EQ(BarLine(HalfMapped(), rates, 49), "35% map 8/16  reduce 0/4  3 MiB/s  3 workers");
  EXPECT_EQ(BarLine(HalfMapped(), rates, 19), "35% map 8/16");
  EXPECT_EQ(BarLine(HalfMapped(), rates, 2), "35");
}

TEST(BarLineTest, SaysWhyNothingMoves) {
  JobView view = HalfMapped();
  view.waiting_on = "workers: none has joined";
  EXPECT_THAT(BarLine(view, {}, 200), HasSubstr("waiting for workers: none has joined"));
  EXPECT_EQ(BarLine(view, {}, 60), "[#######-------------] map 8/16  reduce 0/4  waiting for wor");
}

TEST(PlainLineTest, AMapOnlyJobHasNoReduces) {
  JobView view = HalfMapped();
  view.stages.pop_back();
  EXPECT_EQ(PlainLine(view, {0, 1500}),
            "job-3  map 8/16  0 B/s  3 workers  2.00 s  about 1.50 s left");
}

TEST(PlainLineTest, TheLastStageIsTheRest) {
  JobView view = HalfMapped();
  view.stages[0].done = 16;
  EXPECT_THAT(PlainLine(view, {0, 1500}), EndsWith("about 1.50 s left"));
}

TEST(FractionDoneTest, IsWholeOnlyWhenEveryTaskIsDone) {
  JobView view = HalfMapped();
  EXPECT_DOUBLE_EQ(FractionDone(view), 0.35);
  view.stages[0].done = 16;
  EXPECT_DOUBLE_EQ(FractionDone(view), 0.7);
  view.stages[1].done = 4;
  EXPECT_DOUBLE_EQ(FractionDone(view), 1.0);
}

TEST(FractionDoneTest, AJobWithoutTasksIsDone) { EXPECT_DOUBLE_EQ(FractionDone(JobView()), 1.0); }

TEST(ProgressReporterTest, PlainLinesComeOnChangeAndAtMostOnceASecond) {
  Screen screen(ProgressMode::kPlain);
  JobView view = HalfMapped();
  screen.reporter.Show(view, 0);
  screen.reporter.Show(view, 5000);  // nothing changed
  EXPECT_THAT(screen.writes, SizeIs(1));
  view.version = 8;
  screen.reporter.Show(view, 5100);
  view.version = 9;
  screen.reporter.Show(view, 5200);  // too soon
  EXPECT_THAT(screen.writes, SizeIs(2));
  screen.reporter.Show(view, 6100);
  EXPECT_THAT(screen.writes, SizeIs(3));
}

TEST(ProgressReporterTest, TheBarIsDrawnOverItselfAndEndsWithALineEnd) {
  Screen screen(ProgressMode::kBar);
  screen.reporter.Show(HalfMapped(), 0);
  screen.reporter.Show(HalfMapped(), 100);  // too soon
  screen.reporter.Show(HalfMapped(), 200);
  screen.reporter.Finish(HalfMapped(), 210);
  EXPECT_THAT(screen.writes, ElementsAre(StartsWith("[###"), "\r\033[K", StartsWith("[###"),
                                         "\r\033[K", StartsWith("[###"), "\n"));
}

TEST(ProgressReporterTest, ANoteDoesNotMixWithTheBar) {
  Screen screen(ProgressMode::kBar);
  screen.reporter.Show(HalfMapped(), 0);
  screen.reporter.Note("waiting for the master");
  EXPECT_THAT(screen.writes,
              ElementsAre(StartsWith("[###"), "\r\033[K", "waiting for the master\n"));
}

TEST(ProgressReporterTest, JsonIsOneObjectALine) {
  Screen screen(ProgressMode::kJson);
  screen.reporter.Show(HalfMapped(), 0);
  screen.reporter.Note("not JSON, so not shown");
  ASSERT_THAT(screen.writes, SizeIs(1));
  EXPECT_THAT(screen.writes[0], StartsWith("{\"job\": \"job-3\""));
  EXPECT_EQ(screen.writes[0].find('\n'), screen.writes[0].size() - 1);
}

TEST(ProgressReporterTest, NoneIsSilent) {
  Screen screen(ProgressMode::kNone);
  screen.reporter.Show(HalfMapped(), 0);
  screen.reporter.Finish(HalfMapped(), 1);
  EXPECT_THAT(screen.writes, IsEmpty());
}

// One map and many reduces: a fast map says nothing of them.
TEST(ProgressReporterTest, RemainingTimeComesFromTheStageThatRuns) {
  Screen screen(ProgressMode::kPlain);
  JobView view = HalfMapped();
  view.stages = {{StageKind::kMap, 1, 0, 1}, {StageKind::kReduce, 100, 0, 0}};
  view.mapped_bytes = 0;
  screen.reporter.Show(view, 0);
  view.stages[0].done = 1;
  view.version = 8;
  screen.reporter.Show(view, 1000);
  EXPECT_THAT(screen.writes.back(), Not(HasSubstr("left")));
  view.stages[1].done = 10;
  view.version = 9;
  screen.reporter.Show(view, 11000);
  EXPECT_THAT(screen.writes.back(), HasSubstr("about 1m30s left"));
}

TEST(ProgressReporterTest, TheRateIsThatOfTheLastSeconds) {
  Screen screen(ProgressMode::kPlain);
  JobView view = HalfMapped();
  view.mapped_bytes = 0;
  screen.reporter.Show(view, 0);
  EXPECT_THAT(screen.writes.back(), HasSubstr("  0 B/s"));
  view.mapped_bytes = 2 << 20;
  view.version = 8;
  screen.reporter.Show(view, 2000);
  EXPECT_THAT(screen.writes.back(), HasSubstr("  1 MiB/s"));
  EXPECT_THAT(screen.writes.back(), Not(HasSubstr("2 MiB/s")));
}

}  // namespace
}  // namespace millrace
