// Gets what attempts have written from the workers that ran them.
//
// Workers are asked at the same time, each for a few logs after the other; one that cannot be asked
// is asked no more, and keeps nobody from seeing the logs of others. One event loop.
#ifndef MILLRACE_CLIENT_ATTEMPT_LOGS_H_
#define MILLRACE_CLIENT_ATTEMPT_LOGS_H_

#include <kj/async.h>

#include <cstddef>
#include <map>
#include <vector>

#include "client/logs_text.h"
#include "client/master_link.h"
#include "rpc/job_views.h"

namespace millrace {

class LogFetch {
 public:
  // `link` must outlive it.
  LogFetch(MasterLink& link, const std::vector<AttemptView>& attempts);
  KJ_DISALLOW_COPY(LogFetch);

  // Gives the logs of all attempts, in their order; once. Rejects when the master is lost. The
  // promise must not outlive this object.
  kj::Promise<std::vector<LoggedAttempt>> Run();

 private:
  using Indices = std::vector<size_t>;

  // Asks one worker after the other until all have been asked.
  kj::Promise<void> AskWorkers();
  // Asks for those from number `first` of the worker's attempts on.
  kj::Promise<void> Ask(WorkerId worker, const Indices& attempts, size_t first);
  // False: there is no use in asking for more.
  bool Take(const WorkerLogs& answer, const Indices& attempts, size_t first);

  MasterLink& link_;
  std::vector<LoggedAttempt> logs_;
  std::map<WorkerId, Indices> attempts_;  // as indices of logs_
  std::map<WorkerId, Indices>::const_iterator next_;
};

}  // namespace millrace

#endif  // MILLRACE_CLIENT_ATTEMPT_LOGS_H_
