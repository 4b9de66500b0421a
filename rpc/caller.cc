#include "rpc/caller.h"

#include <glog/logging.h>

#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/call.capnp.h"
#include "rpc/call_link.h"
#include "rpc/call_window.h"
#include "rpc/connection.h"
#include "rpc/data_bytes.h"
#include "rpc/deadline.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

// What a message holds beside the bytes of a call is much less than the rest.
constexpr size_t kMaxRequestBytes = kMaxMessageBytes - (64u << 10);

// Of all calls that wait: a server reads no more, and so answers no pings, while it has more bytes
// of ours than it takes at a time.
constexpr size_t kMaxOutstandingBytes = kMaxUnansweredBytes - kMaxMessageBytes;

// Without a hint Cap'n Proto clears 8 KiB for each message.
capnp::MessageSize SizeWith(std::string_view request) {
  constexpr uint64_t kHeaderWords = 16;
  return {kHeaderWords + request.size() / sizeof(capnp::word) + 1, 0};
}

bool RunsOnce(CallMode mode) {
  return mode == CallMode::kAtMostOnce || mode == CallMode::kExactlyOnce;
}

ClientId DrawClient(const Entropy& entropy) {
  const uint64_t high = DrawNumber(entropy);
  return {high, DrawNumber(entropy)};
}

// What a server said; null: that the session has expired.
std::optional<CallResult> ReadOutcome(capnp_call::CallOutcome::Reader outcome) {
  switch (outcome.which()) {
    case capnp_call::CallOutcome::REPLY: {
      return CallResult{CallEnd::kDone, std::string(ToBytes(outcome.getReply()))};
    }
    case capnp_call::CallOutcome::REFUSED: {
      const auto reason = outcome.getRefused();
      return CallResult{CallEnd::kRefused, std::string(reason.begin(), reason.size())};
    }
    case capnp_call::CallOutcome::STALE:
      return CallResult{CallEnd::kUnknown, "the server thinks that we have its reply"};
    case capnp_call::CallOutcome::SESSION_EXPIRED: return std::nullopt;
  }
  return CallResult{CallEnd::kUnknown, "the server answers what this version does not know"};
}

}  // namespace

class Caller::Impl {
 public:
  Impl(kj::Timer& timer, std::string peer, DialFunction dial, const CallerOptions& options)
      : timer_(timer),
        options_(options),
        backoff_seed_(DrawNumber(options.entropy)),
        window_(options.max_outstanding),
        link_(timer, std::move(peer), DrawClient(options.entropy), kj::mv(dial), LinkOptions()) {
    CHECK_LE(options.max_outstanding, kMaxOutstandingCalls);
  }

  kj::Promise<CallResult> Call(CallMode mode, std::string_view request);
  const ClientId& client() const { return link_.client(); }

 private:
  class OneCall;

  CallLink::Options LinkOptions() const {
    CallLink::Options options;
    options.backoff = options_.backoff;
    options.backoff_seed = backoff_seed_;
    options.ping_period = options_.ping_period;
    options.ping_timeout = options_.ping_timeout;
    return options;
  }

  kj::Timer& timer_;
  const CallerOptions options_;
  uint64_t backoff_seed_;
  size_t outstanding_ = 0;
  size_t outstanding_bytes_ = 0;
  CallWindow window_;
  CallLink link_;
};

// One call, from its begin to its end.
class Caller::Impl::OneCall {
 public:
  OneCall(Impl& caller, CallMode mode, std::string_view request)
      : caller_(caller),
        mode_(mode),
        request_(request),
        bytes_(request.size()),
        sequence_(RunsOnce(mode) ? caller.window_.Begin() : 0),
        backoff_(caller.options_.backoff, ++caller.backoff_seed_) {
    ++caller_.outstanding_;
    caller_.outstanding_bytes_ += bytes_;
  }

  ~OneCall() noexcept(false) {
    --caller_.outstanding_;
    caller_.outstanding_bytes_ -= bytes_;
    if (sequence_ != 0) caller_.window_.End(sequence_);
  }
  KJ_DISALLOW_COPY(OneCall);

  kj::Promise<CallResult> Run() {
    kj::Promise<CallResult> result = Try();
    KeepRequest();
    if (mode_ == CallMode::kExactlyOnce) return result;
    const kj::Duration deadline = caller_.options_.deadline;
    return result.exclusiveJoin(caller_.timer_.afterDelay(deadline).then([this, deadline]() {
      return GiveUp(absl::StrCat("no answer from ", caller_.link_.peer(), " within ",
                                 FormatDuration(deadline), Reason()));
    }));
  }

 private:
  // The caller's bytes are ours only until we return to it. A plain call that was sent is not sent
  // again.
  void KeepRequest() {
    if (mode_ != CallMode::kPlain || !sent_) kept_ = std::string(request_);
    request_ = kept_;
  }

  // What came of one try; null: another one is due.
  using TryResult = std::optional<CallResult>;

  kj::Promise<CallResult> Try() {
    return SendWhenConnected()
        .catch_([this](kj::Exception&& e) { return AfterFailure(e); })
        .then([this](TryResult&& result) -> kj::Promise<CallResult> {
          if (result.has_value()) return *std::move(result);
          return caller_.timer_.afterDelay(backoff_.Next()).then([this]() { return Try(); });
        });
  }

  kj::Promise<TryResult> SendWhenConnected() {
    if (caller_.link_.is_connected()) return kj::evalNow([this]() { return Send(); });
    return caller_.link_.Connected().then([this]() { return Send(); });
  }

  kj::Promise<TryResult> Send() {
    if (!RunsOnce(mode_)) return SendPlainly();
    if (caller_.link_.has_session()) return SendIn(caller_.link_.session());
    return caller_.link_.Open().then([this](uint64_t session) { return SendIn(session); });
  }

  kj::Promise<TryResult> SendPlainly() {
    auto request = caller_.link_.server().callPlainlyRequest(SizeWith(request_));
    request.setRequest(ToData(request_));
    sent_ = true;
    return request.send().then([this](auto&& response) -> TryResult {
      TryResult result = ReadOutcome(response.getOutcome());
      // It is in no session that could expire.
      return result.has_value() ? result : GiveUp("the server answers what makes no sense");
    });
  }

  kj::Promise<TryResult> SendIn(uint64_t session) {
    if (session_ != 0 && session_ != session) {
      return TryResult(GiveUp("the server no longer knows the session in which it was sent"));
    }
    auto request = caller_.link_.server().callRequest(SizeWith(request_));
    auto header = request.initHeader();
    header.getClient().setHigh(caller_.link_.client().high);
    header.getClient().setLow(caller_.link_.client().low);
    header.setSession(session);
    header.setSequence(sequence_);
    header.setSeenUpTo(caller_.window_.seen_up_to());
    request.setRequest(ToData(request_));
    sent_ = true;
    session_ = session;
    ++copies_;
    return request.send().then([this, session](auto&& response) {
      TryResult result = ReadOutcome(response.getOutcome());
      return result.has_value() ? result : AfterExpiry(session);
    });
  }

  // The only copy was not executed, nor will it be; of two, one may have been in time.
  TryResult AfterExpiry(uint64_t session) {
    caller_.link_.SessionHasExpired(session);
    if (copies_ > 1) return GiveUp("the session has expired since it was sent first");
    copies_ = 0;
    session_ = 0;
    sent_ = false;
    return std::nullopt;
  }

  TryResult AfterFailure(const kj::Exception& e) {
    last_failure_ = std::string(ToStatus(e).message());
    if (sent_) last_failure_ = absl::StrCat("calling ", caller_.link_.peer(), ": ", last_failure_);
    if (!MayPass(e) || (mode_ == CallMode::kPlain && sent_)) return GiveUp(last_failure_);
    return std::nullopt;
  }

  std::string Reason() const {
    const std::string& trouble = caller_.link_.trouble();
    const std::string& why = trouble.empty() ? last_failure_ : trouble;
    return why.empty() ? "" : absl::StrCat(": ", why);
  }

  CallResult GiveUp(const std::string& why) const {
    return {sent_ ? CallEnd::kUnknown : CallEnd::kRefused, why};
  }

  Impl& caller_;
  const CallMode mode_;
  std::string_view request_;
  const size_t bytes_;  // of the request
  std::string kept_;
  const uint64_t sequence_;  // 0: it need not be known again
  Backoff backoff_;
  bool sent_ = false;
  uint64_t session_ = 0;  // in which it was sent; 0: in none that counts
  size_t copies_ = 0;     // that were sent there
  std::string last_failure_;
};

kj::Promise<CallResult> Caller::Impl::Call(CallMode mode, std::string_view request) {
  if (request.size() > kMaxRequestBytes) {
    return CallResult{CallEnd::kRefused, absl::StrCat("a request of ", request.size(),
                                                      " bytes; at most ", kMaxRequestBytes)};
  }
  if (outstanding_ >= options_.max_outstanding) {
    return CallResult{CallEnd::kRefused,
                      absl::StrCat(outstanding_, " calls wait for ", link_.peer(), " already")};
  }
  if (outstanding_bytes_ + request.size() > kMaxOutstandingBytes) {
    return CallResult{
        CallEnd::kRefused,
        absl::StrCat(outstanding_bytes_, " bytes of calls wait for ", link_.peer(), " already")};
  }
  auto call = kj::heap<OneCall>(*this, mode, request);
  kj::Promise<CallResult> result = call->Run();
  return result.attach(kj::mv(call)).eagerlyEvaluate(nullptr);
}

Caller::Caller(kj::Timer& timer, std::string peer, DialFunction dial, const CallerOptions& options)
    : impl_(kj::heap<Impl>(timer, std::move(peer), kj::mv(dial), options)) {}

Caller::~Caller() noexcept(false) = default;

kj::Promise<CallResult> Caller::Call(CallMode mode, std::string_view request) {
  return impl_->Call(mode, request);
}

const ClientId& Caller::client() const { return impl_->client(); }

}  // namespace millrace
