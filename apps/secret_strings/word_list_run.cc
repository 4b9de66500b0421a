#include "apps/secret_strings/word_list_run.h"

#include <kj/debug.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "apps/secret_strings/line_order.h"
#include "apps/secret_strings/word_balancer.h"
#include "glog/logging.h"
#include "mapreduce/count_text.h"
#include "rpc/pinger.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

using capnp_strings::SecretStrings;

// What to check may follow it, which is for the end.
std::string FirstLine(const absl::Status& status) {
  const std::string text(status.message());
  return text.substr(0, text.find('\n'));
}

// One run, from the first dial to the last line.
class WordListRun final : private kj::TaskSet::ErrorHandler {
 public:
  WordListRun(kj::PromiseFulfiller<WordListResult>& ended, kj::Timer& timer, DialTo dial,
              std::vector<std::string> words, const WordListOptions& options,
              const WordListListener& listener)
      : ended_(ended),
        timer_(timer),
        dial_(kj::mv(dial)),
        words_(std::move(words)),
        options_(options),
        listener_(listener),
        balancer_(options.servers.size(), words_.size(), options.outstanding_max),
        left_(options.servers.size()),
        links_(*this) {
    for (const std::string& address : options_.servers) {
      const uint64_t seed = options_.seed + servers_.size();
      servers_.push_back(std::make_unique<Server>(address, Backoff(options_.backoff, seed)));
    }
    if (balancer_.done()) End(absl::OkStatus());
    for (size_t i = 0; i < servers_.size(); ++i) links_.add(Stay(i));
  }
  KJ_DISALLOW_COPY(WordListRun);

 private:
  struct Server {
    Server(const std::string& server, const Backoff& delays) : address(server), backoff(delays) {}

    const std::string address;
    Backoff backoff;
    kj::Maybe<kj::TimePoint> lost_at;          // none: was never reached
    kj::Maybe<SecretStrings::Client> strings;  // while there is a session
    kj::Canceler session;
    kj::Own<kj::TaskSet> calls;  // of the session
  };

  // --- Links ---

  // Holds sessions with a server, one after another, until it is given up.
  kj::Promise<void> Stay(size_t i) {
    return dial_(servers_[i]->address)
        .then([this, i](kj::Own<Connection> c) { return HoldSession(i, kj::mv(c)); })
        .then([]() { return true; }, [this, i](kj::Exception&& e) { return MayTryAgain(i, e); })
        .then([this, i](bool again) -> kj::Promise<void> {
          if (!again) return kj::READY_NOW;
          return timer_.afterDelay(servers_[i]->backoff.Next()).then([this, i]() {
            return Stay(i);  // the tail call
          });
        });
  }

  // Rejects when the session has ended; never resolves.
  kj::Promise<void> HoldSession(size_t i, kj::Own<Connection> connection) {
    Server& server = *servers_[i];
    server.strings = connection->Peer().castAs<SecretStrings>();
    kj::TaskSet::ErrorHandler& bugs = *this;
    server.calls = kj::heap<kj::TaskSet>(bugs);
    balancer_.Joined(i);
    GiveOut();
    kj::Promise<void> closed = connection->OnDisconnect().then([]() -> kj::Promise<void> {
      return ToException(absl::UnavailableError("the connection has broken"));
    });
    auto pinger = kj::heap<Pinger>(timer_, options_.ping_period, options_.ping_timeout, "it",
                                   [&c = *connection]() { return c.Ping(); });
    return server.session.wrap(closed.exclusiveJoin(pinger->Run()))
        .attach(kj::mv(pinger))
        .attach(kj::mv(connection));
  }

  // After a session, or a dial, has failed.
  bool MayTryAgain(size_t i, const kj::Exception& e) {
    if (servers_[i]->strings != nullptr) {
      EndSession(i, e);
      return true;
    }
    if (MayPass(e)) {
      KJ_IF_MAYBE (lost_at, servers_[i]->lost_at) {
        if (timer_.now() - *lost_at < options_.patience) return true;
      }
    }
    GiveUp(ToStatus(e));
    return false;
  }

  void EndSession(size_t i, const kj::Exception& e) {
    Server& server = *servers_[i];
    server.strings = nullptr;
    server.calls = nullptr;
    server.lost_at = timer_.now();
    const size_t given_back = balancer_.Lost(i);
    Tell(absl::StrCat("lost ", server.address, " (", ToStatus(e).message(), "); ",
                      CountText(given_back, "word"), " of it must be reversed again"));
    GiveOut();
  }

  void GiveUp(const absl::Status& why) {
    --left_;
    if (left_ > 0) return Tell(absl::StrCat(FirstLine(why), "; going on without it"));
    // One that refuses our key is no use to us either.
    const auto code = absl::IsUnimplemented(why) ? why.code() : absl::StatusCode::kUnavailable;
    const char* const intro = servers_.size() > 1 ? "no server is left: " : "";
    End(absl::Status(code, absl::StrCat(intro, why.message())));
  }

  // --- Words ---

  void GiveOut() {
    if (!ended_.isWaiting()) return;
    while (const std::optional<Assignment> next = balancer_.Next()) {
      servers_[next->server]->calls->add(Ask(*next));
    }
  }

  kj::Promise<void> Ask(const Assignment& asked) {
    SecretStrings::Client& strings = KJ_ASSERT_NONNULL(servers_[asked.server]->strings);
    return AskToReverse(strings, words_[asked.word], options_.tier)
        .then([this, asked](ReverseReply reply) { OnReply(asked, std::move(reply)); },
              [this, asked](kj::Exception&& e) { OnFailure(asked, std::move(e)); });
  }

  void OnReply(const Assignment& asked, ReverseReply reply) {
    if (!ended_.isWaiting()) return;
    Server& server = *servers_[asked.server];
    if (reply.refused) {
      return End(absl::PermissionDeniedError(absl::StrCat(server.address, ": ", *reply.refused)));
    }
    server.backoff.Reset();
    balancer_.Answered(asked.server, asked.word);
    for (const Reversal& line : order_.Add(asked.word, std::move(reply.reversal))) {
      ++handed_out_;
      if (!listener_.on_line(line)) return End(absl::CancelledError("nobody takes the lines"));
    }
    if (balancer_.done()) return End(absl::OkStatus());
    GiveOut();
  }

  void OnFailure(const Assignment& asked, kj::Exception&& e) {
    Server& server = *servers_[asked.server];
    if (MayPass(e)) return server.session.cancel(e);
    const absl::Status status = ToStatus(e);
    if (absl::IsUnimplemented(status)) {  // of this version it is, or there would be no connection
      return End(absl::UnavailableError(
          absl::StrCat(server.address, " is no server of secret strings: ", status.message())));
    }
    End(absl::Status(status.code(), absl::StrCat(server.address, ": ", status.message())));
  }

  // --- Both ---

  void Tell(const std::string& what) {
    if (ended_.isWaiting()) listener_.on_trouble(what);
  }

  void End(const absl::Status& status) {
    WordListResult result;
    result.status = status;
    result.lines = handed_out_;
    for (size_t i = 0; i < servers_.size(); ++i) {
      result.answered_by.push_back(balancer_.answered_by(i));
    }
    ended_.fulfill(std::move(result));
  }

  void taskFailed(kj::Exception&& exception) override {
    LOG(FATAL) << "bug in a run over a list of words: " << kj::str(exception).cStr();
  }

  kj::PromiseFulfiller<WordListResult>& ended_;
  kj::Timer& timer_;
  DialTo dial_;
  const std::vector<std::string> words_;
  const WordListOptions options_;
  const WordListListener listener_;
  WordBalancer balancer_;
  LineOrder<Reversal> order_;
  size_t handed_out_ = 0;
  std::vector<std::unique_ptr<Server>> servers_;
  size_t left_;  // servers that are not given up
  kj::TaskSet links_;
};

}  // namespace

kj::Promise<WordListResult> ReverseWords(kj::Timer& timer, DialTo dial,
                                         std::vector<std::string> words,
                                         const WordListOptions& options,
                                         const WordListListener& listener) {
  return kj::newAdaptedPromise<WordListResult, WordListRun>(timer, kj::mv(dial), std::move(words),
                                                            options, listener);
}

}  // namespace millrace
