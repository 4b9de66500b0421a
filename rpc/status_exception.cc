#include "rpc/status_exception.h"

#include <glog/logging.h>

#include <string>

namespace millrace {
namespace {

kj::Exception::Type TypeOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable: return kj::Exception::Type::DISCONNECTED;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded: return kj::Exception::Type::OVERLOADED;
    case absl::StatusCode::kUnimplemented: return kj::Exception::Type::UNIMPLEMENTED;
    default: return kj::Exception::Type::FAILED;
  }
}

absl::StatusCode CodeOf(kj::Exception::Type type) {
  switch (type) {
    case kj::Exception::Type::DISCONNECTED: return absl::StatusCode::kUnavailable;
    case kj::Exception::Type::OVERLOADED: return absl::StatusCode::kResourceExhausted;
    case kj::Exception::Type::UNIMPLEMENTED: return absl::StatusCode::kUnimplemented;
    case kj::Exception::Type::FAILED: return absl::StatusCode::kInternal;
  }
  return absl::StatusCode::kInternal;
}

google::LogSeverity SeverityOf(kj::LogSeverity severity) {
  switch (severity) {
    case kj::LogSeverity::INFO:
    case kj::LogSeverity::DBG: return google::GLOG_INFO;
    case kj::LogSeverity::WARNING: return google::GLOG_WARNING;
    // KJ throws after a fatal message: whoever catches decides, so the log must not end the
    // process.
    case kj::LogSeverity::ERROR:
    case kj::LogSeverity::FATAL: return google::GLOG_ERROR;
  }
  return google::GLOG_ERROR;
}

}  // namespace

kj::Exception ToException(const absl::Status& status) {
  CHECK(!status.ok());
  const std::string message(status.message());
  return kj::Exception(TypeOf(status.code()), __FILE__, __LINE__, kj::heapString(message.c_str()));
}

absl::Status ToStatus(const kj::Exception& exception) {
  std::string message(exception.getDescription().cStr());
  const std::string prefix = "remote exception: ";
  size_t begin = 0;
  while (message.compare(begin, prefix.size(), prefix) == 0) begin += prefix.size();
  return absl::Status(CodeOf(exception.getType()), message.substr(begin));
}

bool MayPass(const kj::Exception& exception) {
  return exception.getType() == kj::Exception::Type::DISCONNECTED ||
         exception.getType() == kj::Exception::Type::OVERLOADED;
}

void ExceptionLogging::logMessage(kj::LogSeverity severity, const char* file, int line,
                                  int context_depth, kj::String&& text) {
  google::LogMessage(file, line, SeverityOf(severity)).stream() << text.cStr();
}

ExceptionLogging InstallExceptionLogging() { return ExceptionLogging(); }

}  // namespace millrace
