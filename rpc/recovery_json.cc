#include <algorithm>

#include "rpc/view_json_parts.h"

namespace millrace {
namespace {

void WriteEntry(const RecoveryEntry& entry, int64_t submitted_unix_ms, JsonWriter* json) {
  const int64_t wall_ms = entry.wall_us / 1000;
  json->OpenObject();
  json->Key("what").String(Name(entry.what));
  json->Key("noticed_by").String(Name(entry.noticed_by));
  json->Key("noticed_s")
      .Seconds(static_cast<uint64_t>(std::max<int64_t>(0, wall_ms - submitted_unix_ms)));
  json->Key("noticed_unix_ms").SignedNumber(wall_ms);
  json->Key("subject").String(entry.subject);
  json->Key("attempts_lost").Number(entry.attempts_lost);
  json->Key("outputs_lost").Number(entry.outputs_lost);
  json->Key("cpu_s_again").Seconds(entry.cpu_us_again / 1000);
  json->Key("bytes_again").Number(entry.bytes_again);
  json->CloseObject();
}

}  // namespace

void WriteRecovery(const JobView& job, JsonWriter* json) {
  json->Key("recovery").OpenArray();
  for (const RecoveryEntry& entry : job.recovery) WriteEntry(entry, job.submitted_unix_ms, json);
  json->CloseArray();
  json->Key("recovery_dropped").Number(job.recovery_dropped);
}

}  // namespace millrace
