#include "rpc/wire_logs.h"

#include <algorithm>
#include <string_view>

#include "rpc/wire.h"
#include "rpc/wire_fields.h"

namespace millrace {
namespace {

using capnp::uint;

AttemptLog AttemptLogFrom(capnp_types::AttemptLog::Reader in, FieldReader& fields) {
  AttemptLog log;
  log.is_kept = in.getIsKept();
  if (fields.Require(in.getText().size() <= kMaxLogBytes, "text", "too long")) {
    log.text = ReadBytes(in.getText());
  }
  log.dropped = in.getDropped();
  return log;
}

absl::StatusOr<AttemptLog> ReadAttemptLog(capnp_types::AttemptLog::Reader in) {
  return ReadMessage("AttemptLog", in, AttemptLogFrom);
}

std::vector<AttemptId> AttemptsFrom(capnp::List<capnp_types::AttemptId>::Reader in,
                                    FieldReader& fields) {
  return fields.NestedList<AttemptId, capnp_types::AttemptId>("attempts", in, kMaxLogsPerCall,
                                                              ReadAttemptId);
}

std::vector<AttemptLog> LogsFrom(capnp::List<capnp_types::AttemptLog>::Reader in,
                                 FieldReader& fields) {
  return fields.NestedList<AttemptLog, capnp_types::AttemptLog>("logs", in, kMaxLogsPerCall,
                                                                ReadAttemptLog);
}

}  // namespace

absl::StatusOr<std::vector<AttemptId>> ReadLogRequest(
    capnp::List<capnp_types::AttemptId>::Reader in) {
  return ReadMessage("LogRequest", in, AttemptsFrom);
}

absl::StatusOr<std::vector<AttemptLog>> ReadAttemptLogs(
    capnp::List<capnp_types::AttemptLog>::Reader in) {
  return ReadMessage("AttemptLogs", in, LogsFrom);
}

void WriteLogRequest(const std::vector<AttemptId>& attempts,
                     capnp::List<capnp_types::AttemptId>::Builder out) {
  for (size_t i = 0; i < attempts.size(); ++i) Write(attempts[i], out[static_cast<uint>(i)]);
}

void WriteAttemptLogs(const std::vector<AttemptLog>& logs,
                      capnp::List<capnp_types::AttemptLog>::Builder out) {
  for (size_t i = 0; i < logs.size(); ++i) {
    auto log = out[static_cast<uint>(i)];
    std::string_view text = logs[i].text;
    const size_t cut = text.size() - std::min(text.size(), kMaxLogBytes);
    text.remove_prefix(cut);
    log.setIsKept(logs[i].is_kept);
    log.setText(
        capnp::Data::Reader(reinterpret_cast<const capnp::byte*>(text.data()), text.size()));
    log.setDropped(logs[i].dropped + cut);
  }
}

}  // namespace millrace
