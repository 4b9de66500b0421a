// When a worker's time is up, and when the core asks to be woken.
#include "master/core/leases.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr WorkerId kRed{1};
constexpr WorkerId kBlue{2};

// A lease of 10 s and a grace of 1 s; time is moved by hand.
class LeasesTest : public testing::Test {
 protected:
  LeasesTest() {
    options_.lease = absl::Seconds(10);
    options_.disconnect_grace = absl::Seconds(1);
    turn_.Begin(now_);
  }

  WorkerRecord* Join(WorkerId id) {
    cluster_.Apply(WorkerRegistered{id, Incarnation(id.value()), ""});
    WorkerRecord* worker = cluster_.FindWorker(id);
    worker->last_heartbeat = now_;
    cluster_.SetState(worker, WorkerState::kJoined);
    leases_.Watch(worker);
    return worker;
  }
  void Disconnect(WorkerRecord* worker) {
    worker->suspect_since = now_;
    cluster_.SetState(worker, WorkerState::kSuspect);
    leases_.Watch(worker);
  }
  void Pass(absl::Duration time) {
    now_ = now_ + time;
    turn_.Begin(now_);
  }
  // The times at which the core asks to be woken now.
  Actions Asked() {
    leases_.AskForTick(std::nullopt);
    return turn_.Finish().actions;
  }
  static Action WakeAtSecond(int64_t second) {
    return WakeAt{CoreTime::FromMicros(second * 1'000'000)};
  }

  CoreOptions options_;
  CoreTime now_;
  ClusterState cluster_{Epoch(1)};
  Turn turn_{&options_, &cluster_};
  Leases leases_{&turn_};
};

TEST_F(LeasesTest, AWorkerIsExpiredAtTheEndOfItsLeaseAndNotBefore) {
  Join(kRed);
  Pass(absl::Seconds(10) - absl::Microseconds(1));
  EXPECT_THAT(leases_.TakeExpired(), IsEmpty());
  Pass(absl::Microseconds(1));
  EXPECT_THAT(leases_.TakeExpired(), ElementsAre(kRed));
}

TEST_F(LeasesTest, AnExpiredWorkerIsTakenOnce) {
  Join(kRed);
  Pass(absl::Seconds(20));
  EXPECT_THAT(leases_.TakeExpired(), ElementsAre(kRed));
  EXPECT_THAT(leases_.TakeExpired(), IsEmpty());
}

TEST_F(LeasesTest, ExpiredWorkersComeInTheOrderOfTheirDeadlines) {
  WorkerRecord* red = Join(kRed);
  Pass(absl::Seconds(3));
  Join(kBlue);
  Pass(absl::Seconds(2));
  red->last_heartbeat = now_;
  Pass(absl::Seconds(8));
  EXPECT_THAT(leases_.TakeExpired(), ElementsAre(kBlue));
  Pass(absl::Seconds(2));
  EXPECT_THAT(leases_.TakeExpired(), ElementsAre(kRed));
}

TEST_F(LeasesTest, ABrokenConnectionLeavesOneGrace) {
  WorkerRecord* red = Join(kRed);
  Pass(absl::Seconds(2));
  Disconnect(red);
  Pass(absl::Milliseconds(999));
  EXPECT_THAT(leases_.TakeExpired(), IsEmpty());
  Pass(absl::Milliseconds(1));
  EXPECT_THAT(leases_.TakeExpired(), ElementsAre(kRed));
}

TEST_F(LeasesTest, AGraceDoesNotOutlastTheLease) {
  WorkerRecord* red = Join(kRed);
  Pass(absl::Milliseconds(9500));
  Disconnect(red);
  Pass(absl::Milliseconds(500));
  EXPECT_THAT(leases_.TakeExpired(), ElementsAre(kRed));
}

TEST_F(LeasesTest, AWorkerThatReturnsWithinItsGraceHasAWholeLeaseAgain) {
  WorkerRecord* red = Join(kRed);
  Disconnect(red);
  Pass(absl::Milliseconds(500));
  red->last_heartbeat = now_;
  cluster_.SetState(red, WorkerState::kJoined);
  Pass(absl::Milliseconds(9999));
  EXPECT_THAT(leases_.TakeExpired(), IsEmpty());
  Pass(absl::Milliseconds(1));
  EXPECT_THAT(leases_.TakeExpired(), ElementsAre(kRed));
}

TEST_F(LeasesTest, AForgottenWorkerDoesNotExpire) {
  leases_.Forget(Join(kRed));
  Pass(absl::Seconds(20));
  EXPECT_THAT(leases_.TakeExpired(), IsEmpty());
  EXPECT_THAT(Asked(), IsEmpty());
}

TEST_F(LeasesTest, NobodyIsWokenForNothing) { EXPECT_THAT(Asked(), IsEmpty()); }

TEST_F(LeasesTest, OneTickIsOnItsWayAtATime) {
  Join(kRed);
  EXPECT_THAT(Asked(), ElementsAre(WakeAtSecond(10)));
  Pass(absl::Seconds(1));
  Join(kBlue);
  EXPECT_THAT(Asked(), IsEmpty());
}

TEST_F(LeasesTest, AnEarlierDeadlineAsksAgain) {
  WorkerRecord* red = Join(kRed);
  Asked();
  Pass(absl::Seconds(4));
  Disconnect(red);
  EXPECT_THAT(Asked(), ElementsAre(WakeAtSecond(5)));
}

TEST_F(LeasesTest, AfterATickTheNextDeadlineIsAskedFor) {
  WorkerRecord* red = Join(kRed);
  Asked();
  Pass(absl::Seconds(9));
  red->last_heartbeat = now_;  // costs nothing: the alarm rings, and is set again
  Pass(absl::Seconds(1));
  leases_.TickArrived();
  EXPECT_THAT(leases_.TakeExpired(), IsEmpty());
  EXPECT_THAT(Asked(), ElementsAre(WakeAtSecond(19)));
}

}  // namespace
}  // namespace millrace
