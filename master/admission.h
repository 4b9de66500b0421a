// Whether a job is taken on, asked in this order, nothing of it being left behind after a no:
//
//   the core, early    is it here already, does another job write there?
//   the I/O thread     may it write to its output folder? Stages it, with a nonce file. Does
//                      somebody else's job write there? Cuts splits
//   every worker       does this host see the nonce and the input, can it run the binary?
//   the core           JobSubmitted: the decision, and the job's number becomes durable
//
// Workers are asked all at once, and one that does not answer in time has no objection: it will be
// asked again when it first gets an attempt. The same goes for workers that join later.
//
// Lives on one event loop.
#ifndef MILLRACE_MASTER_ADMISSION_H_
#define MILLRACE_MASTER_ADMISSION_H_

#include <kj/async.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "master/core/master_core.h"
#include "master/job_store.h"
#include "master/master_shell.h"
#include "master/pending_answers.h"
#include "master/publisher.h"
#include "master/worker_links.h"
#include "rpc/io_thread.h"
#include "rpc/task_types.h"
#include "storage/file_system.h"

namespace millrace {

struct AdmissionAnswer {
  JobId job;            // taken on, now or by an earlier submit of the same request
  std::string refused;  // or why not
};

class Admission {
 public:
  static constexpr kj::Duration kPatienceWithWorkers = 5 * kj::SECONDS;

  struct Services {
    const MasterCore& core;
    EventSink& events;
    JobStore& jobs;
    WorkerLinks& links;
    Publisher& publisher;
    FileSystem& fs;
    BlockingRunner& runner;
    std::string cluster_id;
    bool jobs_end_with_master = false;  // see Master::Options
  };

  // All services must outlive it.
  explicit Admission(Services services);
  KJ_DISALLOW_COPY(Admission);

  // Once begun it runs to its end, whoever waits.
  kj::Promise<AdmissionAnswer> Admit(JobSpec spec);

  // The core's word on a job.
  void Answer(const AnswerSubmit& action);

 private:
  struct Step;
  struct Candidate;

  JobId ReserveJob();
  std::string RivalFor(const std::string& output_folder) const;
  kj::Promise<void> Stage(std::shared_ptr<Candidate> candidate);
  kj::Promise<void> AskWorkers(std::shared_ptr<Candidate> candidate);
  kj::Promise<AdmissionAnswer> Submit(std::shared_ptr<Candidate> candidate);
  AdmissionAnswer Conclude(const Candidate& candidate, const AnswerSubmit& answer);
  void Undo(const Candidate& candidate);
  std::map<std::string, std::string> JobsBeside(const Candidate& candidate) const;
  std::set<std::string> KeysUnderWayTo(const std::string& output_folder) const;

  Services services_;
  uint64_t next_job_ = 0;                   // numbers below it are given
  std::map<JobId, std::string> under_way_;  // and their output folders
  PendingAnswers<std::string, AnswerSubmit> decisions_;
  kj::Canceler running_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_ADMISSION_H_
