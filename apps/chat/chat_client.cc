#include "apps/chat/chat_client.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "apps/chat/chat_wire.h"
#include "apps/chat/plain_text.h"
#include "rpc/data_bytes.h"
#include "rpc/deadline.h"
#include "rpc/pinger.h"
#include "rpc/status_exception.h"

namespace millrace::chat {
namespace {

// Of a server that takes connections and says nothing, before the first welcome.
constexpr kj::Duration kFirstPatience = 10 * kj::SECONDS;
constexpr kj::Duration kGoodbyeTimeout = 2 * kj::SECONDS;

}  // namespace

ChatClient::ChatClient(kj::Timer& timer, DialFunction dial, Screen& screen,
                       ChatClientOptions options)
    : timer_(timer),
      dial_(kj::mv(dial)),
      screen_(screen),
      options_(std::move(options)),
      apart_since_(timer.now()),
      patience_(kFirstPatience),
      redialer_(
          timer, options_.server, options_.backoff, options_.seed, [this]() { return Dial(); },
          [this](Connection& connection) { return TalkOn(connection); }) {}

kj::Promise<ChatEnd> ChatClient::Run() {
  return redialer_.Run()
      .then([this]() { return std::move(end_); })
      .catch_([this](kj::Exception&& e) -> kj::Promise<ChatEnd> {
        if (gave_up_.ok()) return kj::mv(e);
        return ToException(gave_up_);
      });
}

// --- What is typed ---

kj::Promise<void> ChatClient::Type(std::string message) {
  outbox_.Add(std::move(message));
  typed_.Ring();
  return WaitForRoom();
}

kj::Promise<void> ChatClient::WaitForRoom() {
  if (outbox_.HasRoom()) return kj::READY_NOW;
  return heard_.Next().then([this]() { return WaitForRoom(); });
}

void ChatClient::EndInput() {
  input_ended_ = true;
  typed_.Ring();
}

// --- Connections ---

kj::Promise<kj::Own<Connection>> ChatClient::Dial() {
  if (connected_) {
    connected_ = false;
    apart_since_ = timer_.now();
    screen_.Note("the connection is lost; trying again");
  }
  if (timer_.now() - apart_since_ > patience_) return GiveUp();
  trouble_ = absl::StrCat(options_.server, " takes connections and does not answer");
  return dial_().catch_([this](kj::Exception&& e) -> kj::Promise<kj::Own<Connection>> {
    if (!MayPass(e)) return kj::mv(e);
    trouble_ = std::string(ToStatus(e).message());
    // Whoever mistypes an address wants to know now.
    if (!was_welcome_) return GiveUp();
    return kj::mv(e);
  });
}

// What ends the redialer.
kj::Exception ChatClient::GiveUp() {
  std::string message = trouble_;
  if (was_welcome_) {  // before what there is to check
    const auto tried = (timer_.now() - apart_since_) / kj::SECONDS * kj::SECONDS;
    message.insert(std::min(message.find('\n'), message.size()),
                   absl::StrCat(" (tried for ", FormatDuration(tried), ")"));
  }
  if (!outbox_.empty()) {
    absl::StrAppend(&message, "\nnobody may have heard:\n  ",
                    absl::StrJoin(outbox_.messages(), "\n  "));
  }
  gave_up_ = absl::UnavailableError(message);
  return ToException(absl::InternalError(trouble_));
}

kj::Promise<void> ChatClient::TalkOn(Connection& connection) {
  auto pinger = kj::heap<Pinger>(timer_, options_.ping_period, options_.ping_timeout,
                                 connection.peer(), [&connection]() { return connection.Ping(); });
  Server server = connection.Peer().castAs<capnp_chat::ChatRoom>();
  return Join(server)
      .then(
          [this, server](const JoinOutcome& outcome) mutable { return BeWelcome(server, outcome); })
      .exclusiveJoin(pinger->Run())  // never resolves
      .attach(kj::mv(pinger));
}

kj::Promise<JoinOutcome> ChatClient::Join(Server server) {
  auto request = server.joinRequest();
  request.setName(options_.name.c_str());
  request.setSession(ToData(options_.session));
  request.setAgain(was_welcome_);
  return request.send().then(
      [this](auto&& response) {
        const auto outcome = response.getOutcome();
        if (outcome.isWelcome()) {
          patience_ = 2 * outcome.getWelcome().getGraceMs() * kj::MILLISECONDS;
        }
        return Read(outcome);
      },
      [this](kj::Exception&& e) -> JoinOutcome {
        if (MayPass(e)) kj::throwFatalException(kj::mv(e));
        return Refused{absl::StrCat(
            options_.server, " serves no chat room: ", ToStatus(e).message(), "; check --server")};
      });
}

kj::Promise<void> ChatClient::BeWelcome(Server server, const JoinOutcome& outcome) {
  if (const auto* refused = std::get_if<Refused>(&outcome)) {
    EndWith(*refused);
    return kj::READY_NOW;
  }
  if (const auto* farewell = std::get_if<Farewell>(&outcome)) {
    EndWith(*farewell);
    return kj::READY_NOW;
  }
  const Welcome& welcome = std::get<Welcome>(outcome);
  connected_ = true;
  if (!was_welcome_) {
    after_ = welcome.after;
    screen_.Note(
        CleanText(absl::StrCat("you are ", options_.name, "; ",
                               welcome.others.empty() ? "nobody else is here" : "with you: ",
                               absl::StrJoin(welcome.others, ", "))));
  } else {
    screen_.Note("connected again");
  }
  was_welcome_ = true;
  return Speak(server).exclusiveJoin(Listen(server));
}

// --- Talking ---

kj::Promise<void> ChatClient::Speak(Server server) {
  if (outbox_.empty() && input_ended_) return server.leaveRequest().send().ignoreResult();
  if (outbox_.empty()) {
    return typed_.Next().then([this, server]() mutable { return Speak(server); });  // the tail call
  }
  auto request = server.sayRequest();
  request.setFirst(outbox_.first());
  const std::vector<std::string> messages = outbox_.Next(kTextsPerCall);
  auto texts = request.initTexts(static_cast<unsigned>(messages.size()));
  for (unsigned i = 0; i < texts.size(); ++i) texts.set(i, messages[i].c_str());
  return request.send().then([this, server](auto&& response) mutable -> kj::Promise<void> {
    const SayOutcome outcome = Read(response.getOutcome());
    if (const auto* farewell = std::get_if<Farewell>(&outcome)) {
      EndWith(*farewell);
      return kj::READY_NOW;
    }
    outbox_.Heard(std::get<uint64_t>(outcome));
    heard_.Ring();
    return Speak(server);
  });
}

kj::Promise<void> ChatClient::Listen(Server server) {
  return screen_.Shown()
      .then([this, server]() mutable {
        auto request = server.listenRequest();
        request.setAfter(after_);
        return request.send();
      })
      .then([this, server](auto&& response) mutable -> kj::Promise<void> {
        const ListenOutcome outcome = Read(response.getOutcome());
        if (const auto* farewell = std::get_if<Farewell>(&outcome)) {
          EndWith(*farewell);
          return kj::READY_NOW;
        }
        Show(std::get<News>(outcome));
        return Listen(server);
      });
}

// Shows and moves on in one step: whatever happens to the connection, nothing is shown twice.
void ChatClient::Show(const News& news) {
  after_ = std::max(after_, news.up_to);
  std::string lines;
  for (const Entry& entry : news.entries) {
    absl::StrAppend(&lines, CleanText(EntryText(entry)), "\n");
  }
  if (!lines.empty()) screen_.Show(lines);
}

void ChatClient::EndWith(const Farewell& farewell) {
  outbox_.Heard(farewell.taken);
  // It has left, and only the answer to that was lost.
  if (farewell.reason.empty() && input_ended_ && outbox_.empty()) return;
  end_.reason = absl::StrCat("you are not in the room any more: ", CleanText(farewell.reason));
  end_.unheard = {outbox_.messages().begin(), outbox_.messages().end()};
  end_.forgotten = farewell.forgotten;
}

void ChatClient::EndWith(const Refused& refused) {
  end_.reason = CleanText(refused.reason);
  if (!was_welcome_) return;  // nothing was sent
  end_.unheard = {outbox_.messages().begin(), outbox_.messages().end()};
  end_.forgotten = true;
}

kj::Promise<void> ChatClient::SayGoodbye() {
  if (!was_welcome_) return kj::READY_NOW;
  auto goodbye = dial_().then([this](kj::Own<Connection> connection) {
    Server server = connection->Peer().castAs<capnp_chat::ChatRoom>();
    return Join(server)
        .then([server](const JoinOutcome&) mutable {
          return server.leaveRequest().send().ignoreResult();
        })
        .attach(kj::mv(connection));
  });
  // Without it the room notices by itself, later.
  return WithDeadline(timer_, kGoodbyeTimeout, "leaving", kj::mv(goodbye))
      .catch_([](kj::Exception&&) {});
}

}  // namespace millrace::chat
