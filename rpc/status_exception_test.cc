#include "rpc/status_exception.h"

#include <glog/logging.h>
#include <gtest/gtest.h>
#include <kj/debug.h>

#include <string>

namespace millrace {
namespace {

using Type = kj::Exception::Type;

TEST(StatusExceptionTest, ACodeBecomesWhatTheCallerShouldDo) {
  EXPECT_EQ(ToException(absl::UnavailableError("")).getType(), Type::DISCONNECTED);
  EXPECT_EQ(ToException(absl::ResourceExhaustedError("")).getType(), Type::OVERLOADED);
  EXPECT_EQ(ToException(absl::DeadlineExceededError("")).getType(), Type::OVERLOADED);
  EXPECT_EQ(ToException(absl::UnimplementedError("")).getType(), Type::UNIMPLEMENTED);
  EXPECT_EQ(ToException(absl::NotFoundError("")).getType(), Type::FAILED);
  EXPECT_EQ(ToException(absl::DataLossError("")).getType(), Type::FAILED);
}

TEST(StatusExceptionTest, OnlyTheClassAndTheMessageComeBack) {
  EXPECT_EQ(ToStatus(ToException(absl::UnavailableError("gone"))), absl::UnavailableError("gone"));
  EXPECT_EQ(ToStatus(ToException(absl::DeadlineExceededError("late"))),
            absl::ResourceExhaustedError("late"));
  EXPECT_EQ(ToStatus(ToException(absl::UnimplementedError("new"))),
            absl::UnimplementedError("new"));
  EXPECT_EQ(ToStatus(ToException(absl::NotFoundError("lost"))), absl::InternalError("lost"));
}

TEST(StatusExceptionTest, ConnectionsOnTheWayLeaveNoTrace) {
  const kj::Exception e(Type::FAILED, __FILE__, __LINE__,
                        kj::str("remote exception: remote exception: no such job"));
  EXPECT_EQ(ToStatus(e), absl::InternalError("no such job"));
}

TEST(StatusExceptionTest, AnotherTryMayMendWhatIsGoneOrBusyAndNothingElse) {
  EXPECT_TRUE(MayPass(ToException(absl::UnavailableError("gone"))));
  EXPECT_TRUE(MayPass(ToException(absl::ResourceExhaustedError("busy"))));
  EXPECT_TRUE(MayPass(ToException(absl::DeadlineExceededError("late"))));
  EXPECT_FALSE(MayPass(ToException(absl::UnimplementedError("new"))));
  EXPECT_FALSE(MayPass(ToException(absl::InternalError("broken"))));
}

class Lines final : public google::LogSink {
 public:
  Lines() { google::AddLogSink(this); }
  ~Lines() override { google::RemoveLogSink(this); }
  void send(google::LogSeverity severity, const char* full_filename, const char* base_filename,
            int line, const google::LogMessageTime& time, const char* message,
            size_t length) override {
    text += google::GetLogSeverityName(severity) + (": " + std::string(message, length)) + "\n";
  }

  std::string text;
};

TEST(ExceptionLoggingTest, WhatKjLogsGoesToGlog) {
  Lines lines;
  {
    ExceptionLogging logging = InstallExceptionLogging();
    kj::getExceptionCallback().logMessage(kj::LogSeverity::WARNING, "a.c++", 1, 0,
                                          kj::str("a stray message"));
    kj::getExceptionCallback().logMessage(kj::LogSeverity::FATAL, "a.c++", 1, 0, kj::str("worse"));
  }
  EXPECT_EQ(lines.text, "WARNING: a stray message\nERROR: worse\n");
}

}  // namespace
}  // namespace millrace
