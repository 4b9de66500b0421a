// What clients see, to Cap'n Proto messages and back: see rpc/wire.h for the rules.
#ifndef MILLRACE_RPC_WIRE_VIEWS_H_
#define MILLRACE_RPC_WIRE_VIEWS_H_

#include "absl/status/statusor.h"
#include "rpc/job_views.h"
#include "rpc/lineage_view.h"
#include "rpc/master.capnp.h"

namespace millrace {

absl::StatusOr<JobView> ReadJobView(capnp_master::JobView::Reader in);
absl::StatusOr<AttemptView> ReadAttemptView(capnp_master::AttemptView::Reader in);
absl::StatusOr<WorkerView> ReadWorkerView(capnp_master::WorkerView::Reader in);
absl::StatusOr<LineageView> ReadLineageView(capnp_master::LineageView::Reader in);

// Counters beyond kMaxCounterNames are left out, last names first.
void Write(const JobView& value, capnp_master::JobView::Builder out);
void Write(const AttemptView& value, capnp_master::AttemptView::Builder out);
void Write(const WorkerView& value, capnp_master::WorkerView::Builder out);
void Write(const LineageView& value, capnp_master::LineageView::Builder out);

}  // namespace millrace

#endif  // MILLRACE_RPC_WIRE_VIEWS_H_
