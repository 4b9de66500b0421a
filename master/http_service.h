// The master's page for health checks and scripts: GET /healthz says "ok", GET /jobs gives the jobs
// as JSON. Everything else is 404, or 405 for other methods. Read-only, and without a word about
// input or output beyond what `millrace jobs --json` shows.
//
// Bounded: kConnectionsMax connections at a time, more are closed at once; headers must arrive
// within a few seconds, and no more of them than kj takes (128 KiB); bodies are not read. Who is
// refused is logged.
//
// Lives on one event loop.
#ifndef MILLRACE_MASTER_HTTP_SERVICE_H_
#define MILLRACE_MASTER_HTTP_SERVICE_H_

#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/compat/http.h>
#include <kj/timer.h>

#include <cstddef>
#include <functional>
#include <string>

#include "rpc/log_limiter.h"

namespace millrace {

class HttpService final : private kj::HttpService, private kj::TaskSet::ErrorHandler {
 public:
  static constexpr size_t kConnectionsMax = 32;

  // `jobs_json` gives the body of /jobs. `receiver` is the port.
  HttpService(kj::Timer& timer, kj::Own<kj::ConnectionReceiver> receiver,
              std::function<std::string()> jobs_json);
  KJ_DISALLOW_COPY(HttpService);

  // Serves until the promise is dropped; never resolves and never rejects.
  kj::Promise<void> Run();

  uint port() { return receiver_->getPort(); }

 private:
  class Visit;

  void Serve(kj::Own<kj::AsyncIoStream> stream);
  kj::Promise<void> request(kj::HttpMethod method, kj::StringPtr url,
                            const kj::HttpHeaders& headers, kj::AsyncInputStream& body,
                            Response& response) override;
  kj::Promise<void> Send(Response& response, uint status, kj::StringPtr status_text,
                         kj::StringPtr type, std::string body);
  void LogRefused(const std::string& peer, kj::StringPtr why);
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  kj::Own<kj::ConnectionReceiver> receiver_;
  const std::function<std::string()> jobs_json_;
  const kj::HttpHeaderTable headers_;
  LogLimiter log_limiter_;
  size_t connections_ = 0;
  kj::TaskSet tasks_;
};

}  // namespace millrace

#endif  // MILLRACE_MASTER_HTTP_SERVICE_H_
