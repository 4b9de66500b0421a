// One person in a room: sends what is typed, shows what others say, and comes back by itself when
// the connection is lost, with nothing lost and nothing twice in either direction.
//
//   ChatClient client(timer, dial, screen, options);
//   client.Run().then([](ChatEnd end) { ... });
//   client.Type("hello").then(...)  // resolves when there is room for another message
//   client.EndInput();              // leaves when all that was typed is heard
//
// Lives on one event loop. Promises must not outlive it.
#ifndef MILLRACE_APPS_CHAT_CHAT_CLIENT_H_
#define MILLRACE_APPS_CHAT_CHAT_CLIENT_H_

#include <kj/async.h>
#include <kj/timer.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "apps/chat/bell.h"
#include "apps/chat/chat.capnp.h"
#include "apps/chat/outbox.h"
#include "apps/chat/room.h"
#include "rpc/backoff.h"
#include "rpc/connection.h"
#include "rpc/redialer.h"

namespace millrace::chat {

// Where a client shows things.
class Screen {
 public:
  virtual ~Screen() noexcept(false) = default;

  // Lines of the room, each with its end. Returns at once.
  virtual void Show(const std::string& lines) = 0;
  // Resolves when all that was shown is out; until then the client asks for nothing more.
  virtual kj::Promise<void> Shown() = 0;
  // About the client itself: connections lost and found. One line without end.
  virtual void Note(const std::string& line) = 0;
};

struct ChatClientOptions {
  std::string name;
  std::string session;  // kSessionBytes that nobody can guess
  std::string server;   // HOST:PORT, for messages
  BackoffOptions backoff = {100 * kj::MILLISECONDS, 2 * kj::SECONDS};
  uint64_t seed = 0;
  kj::Duration ping_period = 5 * kj::SECONDS;
  kj::Duration ping_timeout = 10 * kj::SECONDS;
};

// How it ended. Empty: the client has left, and all that was typed was heard. Otherwise the room's
// reason, and what it did not hear.
struct ChatEnd {
  std::string reason;
  std::vector<std::string> unheard;
  bool forgotten = false;  // the room does not know: some of that may have been heard
};

class ChatClient {
 public:
  // `dial` makes a connection to the server. `screen` must outlive the client.
  ChatClient(kj::Timer& timer, DialFunction dial, Screen& screen, ChatClientOptions options);
  KJ_DISALLOW_COPY(ChatClient);

  // Once. Rejects with DISCONNECTED when the server cannot be reached: at the first try, or for
  // longer than another try could help.
  kj::Promise<ChatEnd> Run();

  kj::Promise<void> Type(std::string message);
  void EndInput();

  // After Run was dropped: leaves on a connection of its own, if that can be done at once.
  kj::Promise<void> SayGoodbye();

 private:
  using Server = capnp_chat::ChatRoom::Client;

  kj::Promise<kj::Own<Connection>> Dial();
  kj::Promise<void> TalkOn(Connection& connection);
  kj::Promise<JoinOutcome> Join(Server server);
  kj::Promise<void> BeWelcome(Server server, const JoinOutcome& outcome);
  kj::Promise<void> Speak(Server server);
  kj::Promise<void> Listen(Server server);
  void Show(const News& news);
  void EndWith(const Farewell& farewell);
  void EndWith(const Refused& refused);
  kj::Exception GiveUp();
  kj::Promise<void> WaitForRoom();

  kj::Timer& timer_;
  DialFunction dial_;
  Screen& screen_;
  const ChatClientOptions options_;

  Outbox outbox_;
  bool input_ended_ = false;
  Bell typed_;
  Bell heard_;

  bool was_welcome_ = false;  // ever
  bool connected_ = false;
  kj::TimePoint apart_since_;  // while it is not connected
  kj::Duration patience_;      // how long that may be
  uint64_t after_ = 0;         // everything up to this number was shown
  std::string trouble_;        // with the last connection
  absl::Status gave_up_;       // why
  ChatEnd end_;
  Redialer redialer_;
};

}  // namespace millrace::chat

#endif  // MILLRACE_APPS_CHAT_CHAT_CLIENT_H_
