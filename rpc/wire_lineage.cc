#include "rpc/lineage_view.h"
#include "rpc/wire.h"
#include "rpc/wire_fields.h"
#include "rpc/wire_views.h"

namespace millrace {
namespace {

using capnp::uint;

constexpr size_t kMaxPage = 1000;  // attempts, and sources

AttemptId AttemptIdIfSet(capnp_types::AttemptId::Reader in) {
  return AttemptId{Epoch(in.getEpoch()), in.getSequence()};
}

SourceView SourceViewFrom(capnp_master::SourceView::Reader in, FieldReader& fields) {
  SourceView source;
  source.map_index = fields.Number("mapIndex", in.getMapIndex(), 0, kMaxTasksPerStage - 1);
  source.state = fields.Enum<SourceState>("state", in.getState());
  source.attempt = AttemptIdIfSet(in.getAttempt());
  source.worker = WorkerId(in.getWorker());
  source.worker_name = fields.Text("workerName", in.getWorkerName(), kMaxNameBytes);
  source.digest = fields.Nested("digest", ReadDigest(in.getDigest()));
  return source;
}

absl::StatusOr<SourceView> ReadSourceView(capnp_master::SourceView::Reader in) {
  return ReadMessage("SourceView", in, SourceViewFrom);
}

LineageView LineageViewFrom(capnp_master::LineageView::Reader in, FieldReader& fields) {
  LineageView lineage;
  lineage.task = fields.Nested("task", ReadTaskId(in.getTask()));
  lineage.kind = fields.Enum<StageKind>("kind", in.getKind());
  lineage.state = fields.Text("state", in.getState(), kMaxNameBytes);
  lineage.split = fields.NestedList<FileRange, capnp_types::FileRange>(
      "split", in.getSplit(), kMaxRangesPerSplit, ReadFileRange);
  lineage.winner = AttemptIdIfSet(in.getWinner());
  lineage.digest = fields.Nested("digest", ReadDigest(in.getDigest()));
  lineage.sources = in.getSources();
  lineage.forgotten = fields.Text("forgotten", in.getForgotten(), kMaxMessageTextBytes);
  lineage.attempts = fields.NestedList<AttemptView, capnp_master::AttemptView>(
      "attempts", in.getAttempts(), kMaxPage, ReadAttemptView);
  lineage.read = fields.NestedList<SourceView, capnp_master::SourceView>("read", in.getRead(),
                                                                         kMaxPage, ReadSourceView);
  if (in.hasMadeFor()) lineage.made_for = fields.Nested("madeFor", ReadTaskId(in.getMadeFor()));
  if (in.hasPartOf()) lineage.part_of = fields.Nested("partOf", ReadTaskId(in.getPartOf()));
  return lineage;
}

void Write(const SourceView& value, capnp_master::SourceView::Builder out) {
  out.setMapIndex(value.map_index);
  out.setState(static_cast<uint8_t>(value.state));
  millrace::Write(value.attempt, out.initAttempt());
  out.setWorker(value.worker.value());
  out.setWorkerName(ToText(value.worker_name));
  millrace::Write(value.digest, out.initDigest());
}

}  // namespace

absl::StatusOr<LineageView> ReadLineageView(capnp_master::LineageView::Reader in) {
  return ReadMessage("LineageView", in, LineageViewFrom);
}

void Write(const LineageView& value, capnp_master::LineageView::Builder out) {
  millrace::Write(value.task, out.initTask());
  out.setKind(static_cast<uint8_t>(value.kind));
  out.setState(ToText(value.state));
  auto split = out.initSplit(static_cast<uint>(value.split.size()));
  for (uint i = 0; i < value.split.size(); ++i) millrace::Write(value.split[i], split[i]);
  millrace::Write(value.winner, out.initWinner());
  millrace::Write(value.digest, out.initDigest());
  out.setSources(value.sources);
  out.setForgotten(ToText(ClipMessage(value.forgotten)));
  auto attempts = out.initAttempts(static_cast<uint>(value.attempts.size()));
  for (uint i = 0; i < value.attempts.size(); ++i) millrace::Write(value.attempts[i], attempts[i]);
  auto read = out.initRead(static_cast<uint>(value.read.size()));
  for (uint i = 0; i < value.read.size(); ++i) Write(value.read[i], read[i]);
  if (value.made_for.job.is_set()) millrace::Write(value.made_for, out.initMadeFor());
  if (value.part_of.job.is_set()) millrace::Write(value.part_of, out.initPartOf());
}

}  // namespace millrace
