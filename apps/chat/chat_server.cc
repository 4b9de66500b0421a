#include "apps/chat/chat_server.h"

#include <glog/logging.h>
#include <kj/debug.h>

#include <string>
#include <variant>
#include <vector>

#include "apps/chat/bell.h"
#include "apps/chat/chat_wire.h"
#include "rpc/call_scope.h"
#include "rpc/data_bytes.h"

namespace millrace::chat {
namespace {

// How exactly the grace of absent members is kept.
constexpr kj::Duration kExpiryPeriod = 250 * kj::MILLISECONDS;

// Who pours a file into the room is heard with at most 500 lines a second: a window of 1024 leaves
// a reader that is not scheduled, or far away, two seconds to come to them. Nobody types so fast.
constexpr kj::Duration kPacePerMessage = 2 * kj::MILLISECONDS;

}  // namespace

// The room with its clock and its bell: what all connections share.
class ChatServer::Hall {
 public:
  Hall(kj::Timer& timer, const RoomOptions& options)
      : timer_(timer),
        grace_ms_(static_cast<uint32_t>(options.grace / absl::Milliseconds(1))),
        room_(options),
        expiry_(ExpireForEver().eagerlyEvaluate([](kj::Exception&& exception) {
          LOG(FATAL) << "bug in the chat's clock: " << kj::str(exception).cStr();
        })) {}

  KJ_DISALLOW_COPY(Hall);

  Room& room() { return room_; }
  const CallScope& calls() const { return calls_; }
  uint32_t grace_ms() const { return grace_ms_; }

  absl::Time Now() {
    return absl::UnixEpoch() +
           absl::Nanoseconds((timer_.now() - kj::origin<kj::TimePoint>()) / kj::NANOSECONDS);
  }

  // Called after whatever may have added to the room.
  void TellListeners() {
    if (room_.last() == told_) return;
    told_ = room_.last();
    news_.Ring();
  }

  kj::Promise<void> NextNews() { return news_.Next(); }

  // Until a speaker may say more.
  kj::Promise<void> Pace(size_t messages) {
    return timer_.afterDelay(static_cast<int64_t>(messages) * kPacePerMessage);
  }

 private:
  kj::Promise<void> ExpireForEver() {
    return timer_.afterDelay(kExpiryPeriod).then([this]() {
      room_.Expire(Now());
      TellListeners();
      return ExpireForEver();  // the tail call: nothing may follow
    });
  }

  kj::Timer& timer_;
  const uint32_t grace_ms_;
  Room room_;
  uint64_t told_ = 0;
  Bell news_;
  kj::Promise<void> expiry_;
  CallScope calls_;  // goes first
};

// One connection. Belongs to one member at most, from its first successful join on. Its calls end
// with the hall; it may be destroyed later, by Cap'n Proto.
class ChatServer::Door final : public ScopedServer<capnp_chat::ChatRoom> {
 public:
  explicit Door(const std::shared_ptr<Hall>& hall) : ScopedServer(hall->calls()), hall_(hall) {}
  ~Door() noexcept(false) {
    const std::shared_ptr<Hall> hall = hall_.lock();
    if (hall != nullptr && !session_.empty()) hall->room().Detach(session_, hall->Now());
  }

  kj::Promise<void> join(JoinContext context) override {
    const auto params = context.getParams();
    const std::string session(ToBytes(params.getSession()));
    KJ_REQUIRE(session_.empty() || session == session_, "this connection has joined already");
    const JoinOutcome outcome =
        hall().room().Join(session, ReadText(params.getName()), params.getAgain(), hall().Now());
    if (std::holds_alternative<Welcome>(outcome) && session_.empty()) {
      session_ = session;
      hall().room().Attach(session_);
    }
    Write(outcome, hall().grace_ms(), context.getResults().initOutcome());
    hall().TellListeners();
    return kj::READY_NOW;
  }

  kj::Promise<void> say(SayContext context) override {
    const auto params = context.getParams();
    KJ_REQUIRE(params.getTexts().size() <= kTextsPerCall, "too many messages at once");
    KJ_REQUIRE(!is_speaking_, "the answer to the messages before has not been awaited");
    std::vector<std::string> texts;
    for (const auto text : params.getTexts()) texts.push_back(ReadText(text));
    Write(hall().room().Say(session_, params.getFirst(), texts),
          context.getResults().initOutcome());
    hall().TellListeners();
    // Others hear it at once; only the answer waits.
    is_speaking_ = true;
    return hall().Pace(texts.size()).then([this]() { is_speaking_ = false; });
  }

  kj::Promise<void> listen(ListenContext context) override {
    const uint64_t after = context.getParams().getAfter();
    // Each entry goes out once on a connection: what a client asks for and does not read stays with
    // us until it is cut off.
    KJ_REQUIRE(!is_listening_, "the answer to the listener before has not been awaited");
    KJ_REQUIRE(after >= answered_up_to_, "this was answered on this connection before");
    context.allowCancellation();  // a listener that is gone waits for nothing
    is_listening_ = true;
    return AnswerWhenThereIsNews(after, kj::mv(context)).attach(kj::defer([this]() {
      is_listening_ = false;
    }));
  }

  kj::Promise<void> leave(LeaveContext) override {
    hall().room().Leave(session_);
    hall().TellListeners();
    return kj::READY_NOW;
  }

 private:
  kj::Promise<void> AnswerWhenThereIsNews(uint64_t after, ListenContext context) {
    const ListenOutcome outcome = hall().room().Listen(session_, after);
    const News* const news = std::get_if<News>(&outcome);
    if (news == nullptr || news->up_to > after) {
      if (news != nullptr) answered_up_to_ = news->up_to;
      Write(outcome, context.getResults().initOutcome());
      return kj::READY_NOW;
    }
    return hall().NextNews().then([this, after, context]() mutable {
      return AnswerWhenThereIsNews(after, kj::mv(context));  // the tail call
    });
  }

  Hall& hall() { return *hall_.lock(); }

  const std::weak_ptr<Hall> hall_;
  std::string session_;  // empty: nobody has joined here
  bool is_speaking_ = false;
  bool is_listening_ = false;
  uint64_t answered_up_to_ = 0;
};

ChatServer::ChatServer(kj::Timer& timer, const RoomOptions& options)
    : hall_(std::make_shared<Hall>(timer, options)) {}

ChatServer::~ChatServer() noexcept(false) = default;

capnp_chat::ChatRoom::Client ChatServer::NewDoor() { return kj::heap<Door>(hall_); }

const Room& ChatServer::room() { return hall_->room(); }

}  // namespace millrace::chat
