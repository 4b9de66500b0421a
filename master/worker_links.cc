#include "master/worker_links.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "mapreduce/count_text.h"
#include "rpc/status_exception.h"

namespace millrace {

WorkerLinks::WorkerLinks(Epoch epoch, kj::Timer& timer, const MasterCore& core,
                         const JobStore& jobs, EventSink& events,
                         const WorkerLink::Options& options)
    : epoch_(epoch),
      timer_(timer),
      core_(core),
      jobs_(jobs),
      events_(events),
      options_(options),
      tasks_(*this) {}

// --- What workers say ---

WorkerSessionId WorkerLinks::Join(LinkHolder& holder, WorkerInfo info,
                                  capnp_worker::Worker::Client worker, Inventory inventory) {
  const WorkerSessionId session{epoch_, core_.IdOf(info.incarnation), info.incarnation};
  if (const auto old = links_.find(session.worker); old != links_.end()) {
    if (old->second.holder != &holder) old->second.holder->Close("the worker registered again");
    Drop(old);
  }
  LOG(INFO) << info.name << " (pid " << info.pid << " on " << info.host << ") is " << session.worker
            << " with " << CountText(info.slots, "slot");

  WorkerJoined joined;
  joined.worker = session.worker;
  joined.slots = info.slots;
  joined.name = info.name;
  joined.incarnation = info.incarnation;
  joined.host_id = info.host_id;
  joined.outputs = std::move(inventory.outputs);
  joined.attempts = std::move(inventory.attempts);
  joined.jobs = std::move(inventory.jobs);

  Link& link = links_[session.worker];
  link.holder = &holder;
  link.calls = MakeCalls(session, info.name, kj::mv(worker));
  for (const HeldAttempt& held : joined.attempts) link.running[held.attempt] = {held.task, 0, ""};
  Remember(session.worker, std::move(info));
  events_.Happened(std::move(joined));
  // The answer to the registration must be on its way before the first call: the worker learns its
  // session from it.
  tasks_.add(kj::evalLast([this, session]() {
    if (Link* current = Current(session)) current->calls->Open();
  }));
  return session;
}

kj::Own<WorkerLink> WorkerLinks::MakeCalls(const WorkerSessionId& session, const std::string& name,
                                           capnp_worker::Worker::Client worker) {
  WorkerLink::Callbacks callbacks{
      [this, session](std::string reason) { OnBroken(session, reason); },
      [this, session](AttemptOutcome outcome) { OnFailedLaunch(session, std::move(outcome)); },
      [this](JobId job, uint32_t from, uint32_t to) { return FindNews(job, from, to); }};
  return kj::heap<WorkerLink>(kj::mv(worker), session, name, timer_, options_, kj::mv(callbacks));
}

void WorkerLinks::Remember(WorkerId worker, WorkerInfo info) {
  known_[worker].info = std::move(info);
  // The oldest lives go first; a connected worker stays.
  for (auto it = known_.begin(); known_.size() > kKnownMax && it != known_.end();) {
    it = links_.count(it->first) > 0 ? std::next(it) : known_.erase(it);
  }
}

void WorkerLinks::Left(LinkHolder& holder) {
  for (auto it = links_.begin(); it != links_.end(); ++it) {
    if (it->second.holder != &holder) continue;
    const WorkerId worker = it->first;
    Drop(it);
    events_.Happened(WorkerDisconnected{worker});
    return;
  }
}

bool WorkerLinks::Heartbeat(const WorkerSessionId& session,
                            const std::vector<ReportedProgress>& progress) {
  Link* link = Current(session);
  if (link == nullptr) return false;
  for (const ReportedProgress& one : progress) {
    if (const auto it = link->running.find(one.attempt); it != link->running.end()) {
      it->second.bytes = one.bytes;
      it->second.status = one.status;
    }
  }
  events_.Happened(HeartbeatReceived{session.worker});
  for (const ReportedProgress& one : progress) {
    events_.Happened(ProgressReported{session.worker, one.attempt, one.steps, one.done, one.total});
  }
  return true;
}

kj::Promise<OutcomeReply> WorkerLinks::Report(const WorkerSessionId& session,
                                              AttemptOutcome outcome) {
  Link* link = Current(session);
  if (link == nullptr) return OutcomeReply::kStale;
  link->running.erase(outcome.attempt);
  auto answer = reports_.Await({session.worker, outcome.attempt});
  events_.Happened(AttemptReported{session.worker, std::move(outcome)});
  return answer;
}

void WorkerLinks::SourcesReady(const WorkerSessionId& session, const AttemptId& attempt,
                               uint64_t version) {
  if (Current(session) == nullptr) return;
  events_.Happened(millrace::SourcesReady{session.worker, attempt, static_cast<uint32_t>(version)});
}

void WorkerLinks::Drain(const WorkerSessionId& session) {
  if (Current(session) == nullptr) return;
  events_.Happened(WorkerDraining{session.worker});
}

// --- What the core asks for ---

void WorkerLinks::Launch(const LaunchAttempt& action) {
  Link* link = FindLink(action.worker);
  const auto job = jobs_.Find(action.task.job);
  if (link == nullptr || job == nullptr) return;
  link->running[action.attempt] = {action.task, 0, ""};
  const auto before = jobs_.Find(action.part.task.job);
  link->calls->Launch(MakeAttemptSpec(action, *job, before.get()), job->context);
}

void WorkerLinks::Grant(const GrantSlot& action) {
  Link* link = FindLink(action.worker);
  if (link == nullptr) return;
  const auto it = link->running.find(action.attempt);
  if (it != link->running.end()) link->calls->GrantSlot(it->second.task.job, action.attempt);
}

void WorkerLinks::Cancel(const CancelAttempt& action) {
  Link* link = FindLink(action.worker);
  if (link == nullptr) return;
  JobId job;
  // Not here: it has reported its end, or runs on from before its worker was lost. Told in any
  // case.
  if (const auto it = link->running.find(action.attempt); it != link->running.end()) {
    job = it->second.task.job;
    link->running.erase(it);
  }
  link->calls->Cancel(job, action.attempt);
}

void WorkerLinks::Publish(const PublishSources& action) {
  Link* link = FindLink(action.worker);
  const auto job = jobs_.Find(action.job);
  if (link == nullptr || job == nullptr) return;
  link->calls->Publish(action.from, action.to, job->context);
}

std::optional<SourceNews> WorkerLinks::FindNews(JobId job, uint32_t from, uint32_t to) const {
  if (core_.SourceVersion(job) < to) return std::nullopt;  // it has ended
  SourceNews news;
  news.sources = core_.Sources(job, from, to);
  news.addresses = AddressesOf(news.sources);
  return news;
}

void WorkerLinks::Release(const ReleaseJob& action) {
  if (Link* link = FindLink(action.worker)) link->calls->Release(action.job);
}

void WorkerLinks::Retain(const RetainOutputs& action) {
  if (Link* link = FindLink(action.worker)) link->calls->Retain(action.outputs);
}

void WorkerLinks::DropOutputs(const millrace::DropOutputs& action) {
  if (Link* link = FindLink(action.worker)) link->calls->Drop(action.outputs);
}

void WorkerLinks::Answer(const AnswerOutcome& action) {
  reports_.Answer({action.worker, action.attempt}, action.reply);
}

void WorkerLinks::Forget(const ForgetWorker& action) {
  const auto it = links_.find(action.worker);
  if (it == links_.end()) return;
  it->second.holder->Close("it was silent for longer than its lease");
  Drop(it);
}

// --- What others ask for ---

kj::Promise<std::string> WorkerLinks::FindObjection(const JobContext& context,
                                                    kj::Duration patience) {
  auto answers = kj::heapArrayBuilder<kj::Promise<std::string>>(links_.size());
  for (auto& [worker, link] : links_) {
    const WorkerInfo& info = known_[worker].info;
    const std::string who = absl::StrCat("worker ", info.name, " on host ", info.host);
    auto late = timer_.afterDelay(patience).then([]() { return std::string(); });
    answers.add(
        link.calls->Prepare(context).exclusiveJoin(kj::mv(late)).then([who](std::string objection) {
          return objection.empty() ? objection
                                   : absl::StrCat(who, " cannot run the job: ", objection);
        }));
  }
  return kj::joinPromises(answers.finish()).then([](kj::Array<std::string> objections) {
    for (std::string& objection : objections) {
      if (!objection.empty()) return objection;
    }
    return std::string();
  });
}

void WorkerLinks::ReleaseEverywhere(JobId job) {
  for (auto& [worker, link] : links_) {
    if (link.calls->Knows(job)) link.calls->Release(job);
  }
}

kj::Promise<WorkerLogs> WorkerLinks::LogsOf(WorkerId worker,
                                            const std::vector<AttemptId>& attempts) {
  Link* link = FindLink(worker);
  if (link == nullptr) return WorkerLogs{{}, "the worker is not connected"};
  return link->calls->LogsOf(attempts).then(
      [](std::vector<AttemptLog> logs) {
        return WorkerLogs{std::move(logs), ""};
      },
      [name = known_[worker].info.name](kj::Exception&& exception) {
        return WorkerLogs{
            {}, absl::StrCat("worker ", name, " gave no answer: ", ToStatus(exception).message())};
      });
}

const WorkerLinks::Known* WorkerLinks::Find(WorkerId worker) const {
  const auto it = known_.find(worker);
  return it == known_.end() ? nullptr : &it->second;
}

uint64_t WorkerLinks::RunningMapBytes(JobId job) const {
  uint64_t bytes = 0;
  for (const auto& [worker, link] : links_) {
    for (const auto& [attempt, running] : link.running) {
      if (running.task.job != job) continue;
      if (JobPlan::kind(running.task.stage) == StageKind::kMap) bytes += running.bytes;
    }
  }
  return bytes;
}

std::string WorkerLinks::StatusOf(WorkerId worker, const AttemptId& attempt) const {
  const auto link = links_.find(worker);
  if (link == links_.end()) return "";
  const auto running = link->second.running.find(attempt);
  return running == link->second.running.end() ? "" : running->second.status;
}

// --- Links ---

WorkerLinks::Link* WorkerLinks::Current(const WorkerSessionId& session) {
  Link* link = FindLink(session.worker);
  if (link != nullptr && link->calls->session() == session) return link;
  ++refused_messages_;
  return nullptr;
}

WorkerLinks::Link* WorkerLinks::FindLink(WorkerId worker) {
  const auto it = links_.find(worker);
  return it == links_.end() ? nullptr : &it->second;
}

void WorkerLinks::Drop(std::map<WorkerId, Link>::iterator it) {
  kj::Own<WorkerLink> calls = kj::mv(it->second.calls);
  links_.erase(it);
  tasks_.add(kj::evalLater([calls = kj::mv(calls)]() {}));
}

void WorkerLinks::OnBroken(const WorkerSessionId& session, const std::string& reason) {
  Link* link = FindLink(session.worker);
  if (link == nullptr || !(link->calls->session() == session)) return;
  link->holder->Close(reason);
}

void WorkerLinks::OnFailedLaunch(const WorkerSessionId& session, AttemptOutcome outcome) {
  Link* link = FindLink(session.worker);
  if (link == nullptr || !(link->calls->session() == session)) return;
  link->running.erase(outcome.attempt);
  events_.Happened(AttemptReported{session.worker, std::move(outcome)});
}

std::vector<ShuffleAddress> WorkerLinks::AddressesOf(const std::vector<MapSource>& sources) const {
  std::set<WorkerId> holders;
  for (const MapSource& source : sources) holders.insert(source.worker);
  std::vector<ShuffleAddress> addresses;
  for (WorkerId holder : holders) {
    const Known* known = Find(holder);
    if (known == nullptr) continue;  // a lost source names no worker
    addresses.push_back(
        {holder, known->info.shuffle_address, known->info.host_id, known->info.scratch_folder});
  }
  return addresses;
}

// Every expected failure was dealt with in its own step.
void WorkerLinks::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "bug in the links to workers: " << kj::str(exception).cStr();
}

}  // namespace millrace
