#include "master/http_service.h"

#include <memory>
#include <string_view>
#include <utility>

#include "glog/logging.h"

namespace millrace {
namespace {

kj::HttpServerSettings Settings() {
  kj::HttpServerSettings settings;
  settings.headerTimeout = 5 * kj::SECONDS;
  return settings;
}

}  // namespace

HttpService::HttpService(kj::Timer& timer, kj::Own<kj::ConnectionReceiver> receiver,
                         std::function<std::string()> jobs_json)
    : timer_(timer),
      receiver_(kj::mv(receiver)),
      jobs_json_(std::move(jobs_json)),
      server_(timer, headers_, *this, Settings()),
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
  ++connections_;
  tasks_.add(server_.listenHttp(kj::mv(stream))
                 .then([]() {}, [](kj::Exception&&) {})  // the peer's trouble, not ours
                 .attach(kj::defer([this]() { --connections_; })));
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
