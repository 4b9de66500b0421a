// What the files of view_json share. Internal to rpc/*_json.cc.
#ifndef MILLRACE_RPC_VIEW_JSON_PARTS_H_
#define MILLRACE_RPC_VIEW_JSON_PARTS_H_

#include <string>
#include <vector>

#include "rpc/job_views.h"
#include "rpc/json_writer.h"

namespace millrace {

// null when it is empty.
void WriteOptionalText(const std::string& text, JsonWriter* json);
// The keys of the recovery ledger, into the object of its job.
void WriteRecovery(const JobView& job, JsonWriter* json);
void WriteAttempt(const AttemptView& attempt, JsonWriter* json);

template <typename T>
void WriteArray(const std::vector<T>& values, void (*write)(const T&, JsonWriter*),
                JsonWriter* json) {
  json->OpenArray();
  for (const T& value : values) write(value, json);
  json->CloseArray();
}

}  // namespace millrace

#endif  // MILLRACE_RPC_VIEW_JSON_PARTS_H_
