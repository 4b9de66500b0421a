// The only door between absl::Status (our code) and kj::Exception (promises).
//
// The type of an exception survives a connection, a status code does not. So only the class of a
// failure is carried, and it means exactly one thing:
//
//   kj::Exception   absl::StatusCode                    what the caller does
//   DISCONNECTED    kUnavailable                        the peer is gone: try another, or later
//   OVERLOADED      kResourceExhausted, kDeadlineExceeded   busy or late: back off
//   UNIMPLEMENTED   kUnimplemented                      another version: stop
//   FAILED          every other code                    this attempt failed: count and report
//
// An outcome that the caller must branch on is a field of the result, never an exception.
#ifndef MILLRACE_RPC_STATUS_EXCEPTION_H_
#define MILLRACE_RPC_STATUS_EXCEPTION_H_

#include <kj/exception.h>

#include "absl/status/status.h"

namespace millrace {

// `status` must not be OK.
kj::Exception ToException(const absl::Status& status);

// kUnavailable, kResourceExhausted, kUnimplemented or kInternal. The message is the exception's
// description without the "remote exception: " that each connection on its way puts in front.
absl::Status ToStatus(const kj::Exception& exception);

// Whether another try may go better: the peer is gone, or busy, or late.
bool MayPass(const kj::Exception& exception);

// Sends what KJ and Cap'n Proto log to glog. Like every kj::ExceptionCallback it lives on the
// stack, and works in its thread for as long as it lives.
class ExceptionLogging final : public kj::ExceptionCallback {
 public:
  void logMessage(kj::LogSeverity severity, const char* file, int line, int context_depth,
                  kj::String&& text) override;
};

// First thing in main:  ExceptionLogging logging = InstallExceptionLogging();
[[nodiscard]] ExceptionLogging InstallExceptionLogging();

}  // namespace millrace

#endif  // MILLRACE_RPC_STATUS_EXCEPTION_H_
