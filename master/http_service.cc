#include "master/http_service.h"

#include <memory>
#include <string_view>
#include <utility>

#include "glog/logging.h"
#include "rpc/peer_address.h"

namespace millrace {
namespace {

constexpr uint32_t kLogLinesPerSecond = 5;

kj::HttpServerSettings SettingsWith(kj::HttpServerErrorHandler& error_handler) {
  kj::HttpServerSettings settings;
  settings.headerTimeout = 5 * kj::SECONDS;
  settings.errorHandler = error_handler;
  return settings;
}

}  // namespace

// One connection; knows whom to name when it is refused.
class HttpService::Visit final : private kj::HttpServerErrorHandler {
 public:
  Visit(HttpService& service, std::string peer)
      : service_(service),
        peer_(std::move(peer)),
        server_(service.timer_, service.headers_, service, SettingsWith(*this)) {
    ++service_.connections_;
  }
  ~Visit() noexcept(false) { --service_.connections_; }
  KJ_DISALLOW_COPY(Visit);

  kj::Promise<void> Serve(kj::Own<kj::AsyncIoStream> stream) {
    return server_.listenHttp(kj::mv(stream))
        .then([]() {}, [this](kj::Exception&& exception) { Log(exception); });
  }

 private:
  void Log(const kj::Exception& exception) {
    // A peer that is gone is everyday life.
    if (exception.getType() == kj::Exception::Type::DISCONNECTED) return;
    service_.LogRefused(peer_, exception.getDescription());
  }

  kj::Promise<void> handleClientProtocolError(kj::HttpHeaders::ProtocolError error,
                                              Response& response) override {
    service_.LogRefused(peer_, error.description);
    return kj::HttpServerErrorHandler::handleClientProtocolError(kj::mv(error), response);
  }

  // Headers that are too long count as our error in kj 0.9, which has no response to give then.
  kj::Promise<void> handleApplicationError(kj::Exception exception,
                                           kj::Maybe<Response&> response) override {
    Log(exception);
    if (response == nullptr) return kj::READY_NOW;
    return kj::HttpServerErrorHandler::handleApplicationError(kj::mv(exception), response);
  }

  HttpService& service_;
  const std::string peer_;
  kj::HttpServer server_;
};

HttpService::HttpService(kj::Timer& timer, kj::Own<kj::ConnectionReceiver> receiver,
                         std::function<std::string()> jobs_json)
    : timer_(timer),
      receiver_(kj::mv(receiver)),
      jobs_json_(std::move(jobs_json)),
      log_limiter_(kLogLinesPerSecond),
      tasks_(*this) {}

kj::Promise<void> HttpService::Run() {
  return receiver_->accept()
      .then(
          [this](kj::Own<kj::AsyncIoStream> stream) -> kj::Promise<void> {
            Serve(kj::mv(stream));
            return kj::READY_NOW;
          },
          [this](kj::Exception&& exception) -> kj::Promise<void> {
            // No file descriptors left, most likely: others will give theirs back.
            LOG(WARNING) << "http: cannot accept: " << exception.getDescription().cStr();
            return timer_.afterDelay(500 * kj::MILLISECONDS);
          })
      .then([this]() { return Run(); });
}

void HttpService::Serve(kj::Own<kj::AsyncIoStream> stream) {
  if (connections_ >= kConnectionsMax) return;  // dropped, so closed
  auto visit = kj::heap<Visit>(*this, PeerName(PeerAddress(*stream)));
  auto served = visit->Serve(kj::mv(stream));
  tasks_.add(served.attach(kj::mv(visit)));
}

void HttpService::LogRefused(const std::string& peer, kj::StringPtr why) {
  if (!log_limiter_.Allow(timer_.now())) return;
  const uint64_t left_out = log_limiter_.TakeLeftOut();
  if (left_out > 0) LOG(WARNING) << "http: " << left_out << " similar lines left out";
  LOG(WARNING) << "http: refused " << peer << ": " << why.cStr();
}

kj::Promise<void> HttpService::request(kj::HttpMethod method, kj::StringPtr url,
                                       const kj::HttpHeaders&, kj::AsyncInputStream&,
                                       Response& response) {
  const std::string_view whole(url.cStr(), url.size());
  const std::string_view path = whole.substr(0, whole.find('?'));
  if (path != "/healthz" && path != "/jobs") {
    return Send(response, 404, "Not Found", "text/plain", "not found; try /healthz or /jobs\n");
  }
  if (method != kj::HttpMethod::GET && method != kj::HttpMethod::HEAD) {
    return Send(response, 405, "Method Not Allowed", "text/plain", "only GET\n");
  }
  if (path == "/healthz") return Send(response, 200, "OK", "text/plain", "ok\n");
  return Send(response, 200, "OK", "application/json", jobs_json_() + "\n");
}

kj::Promise<void> HttpService::Send(Response& response, uint status, kj::StringPtr status_text,
                                    kj::StringPtr type, std::string body) {
  kj::HttpHeaders headers(headers_);
  headers.set(kj::HttpHeaderId::CONTENT_TYPE, type);
  auto text = std::make_shared<std::string>(std::move(body));
  auto stream = response.send(status, status_text, headers, text->size());
  auto written = stream->write(text->data(), text->size());
  return written.attach(kj::mv(stream)).attach(kj::defer([text]() {}));
}

// Every expected failure was dealt with in its own step.
void HttpService::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "bug in the http service: " << kj::str(exception).cStr();
}

}  // namespace millrace
