#include "rpc/wire_logs.h"

#include <capnp/message.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "rpc/worker.capnp.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace wire = capnp_worker;

// What the other end reads of `logs`.
absl::StatusOr<std::vector<AttemptLog>> SentLogs(const std::vector<AttemptLog>& logs) {
  capnp::MallocMessageBuilder message;
  auto answer = message.initRoot<wire::Worker::AttemptLogsResults>();
  WriteAttemptLogs(logs, answer.initLogs(static_cast<capnp::uint>(logs.size())));
  return ReadAttemptLogs(answer.asReader().getLogs());
}

absl::StatusOr<std::vector<AttemptId>> SentRequest(const std::vector<AttemptId>& attempts) {
  capnp::MallocMessageBuilder message;
  auto request = message.initRoot<wire::Worker::AttemptLogsParams>();
  WriteLogRequest(attempts, request.initAttempts(static_cast<capnp::uint>(attempts.size())));
  return ReadLogRequest(request.asReader().getAttempts());
}

TEST(WireLogsTest, ALogTravelsWholeWhateverBytesItHas) {
  AttemptLog written;
  written.is_kept = true;
  written.text = std::string("a\0\xff\n", 4);
  written.dropped = 7;
  const auto logs = SentLogs({written, AttemptLog()});
  ASSERT_TRUE(logs.ok()) << logs.status();
  ASSERT_EQ(logs->size(), 2u);
  EXPECT_TRUE((*logs)[0].is_kept);
  EXPECT_EQ((*logs)[0].text, written.text);
  EXPECT_EQ((*logs)[0].dropped, 7u);
  EXPECT_FALSE((*logs)[1].is_kept);
}

TEST(WireLogsTest, OfALongTextTheEndTravels) {
  AttemptLog log;
  log.text = "lost" + std::string(kMaxLogBytes, 'x');
  log.dropped = 1;
  const auto logs = SentLogs({log});
  ASSERT_TRUE(logs.ok()) << logs.status();
  EXPECT_EQ((*logs)[0].text, std::string(kMaxLogBytes, 'x'));
  EXPECT_EQ((*logs)[0].dropped, 5u);
}

TEST(WireLogsTest, TheAttemptsThatAreAskedForTravel) {
  const AttemptId one{Epoch(1), 2};
  const AttemptId other{Epoch(2), 1};
  const auto attempts = SentRequest({one, other});
  ASSERT_TRUE(attempts.ok()) << attempts.status();
  EXPECT_THAT(*attempts, ElementsAre(one, other));
}

TEST(WireLogsTest, NobodyAsksForMoreAtATimeThanOneAnswerHolds) {
  const std::vector<AttemptId> attempts(kMaxLogsPerCall + 1, AttemptId{Epoch(1), 2});
  EXPECT_THAT(std::string(SentRequest(attempts).status().message()),
              HasSubstr("too many elements"));
  const std::vector<AttemptLog> logs(kMaxLogsPerCall + 1);
  EXPECT_THAT(std::string(SentLogs(logs).status().message()), HasSubstr("too many elements"));
}

}  // namespace
}  // namespace millrace
