// Serves a room (apps/chat/room.h) to whoever comes.
//
//   ChatServer chat(timer, options);
//   ServiceHost host(..., [&](const PeerInfo&) { return chat.NewDoor(); });
//
// Clients ask for what is new and are answered when there is something, so that each of them is
// sent what it is ready to take, one answer at a time, and nobody waits for it. Who says much at
// once is answered more slowly, so that a reader which reads is not left behind.
//
// Lives on one event loop. Connections may outlive it; their calls are refused then.
#ifndef MILLRACE_APPS_CHAT_CHAT_SERVER_H_
#define MILLRACE_APPS_CHAT_CHAT_SERVER_H_

#include <kj/common.h>
#include <kj/timer.h>

#include <memory>

#include "apps/chat/chat.capnp.h"
#include "apps/chat/room.h"

namespace millrace::chat {

class ChatServer {
 public:
  ChatServer(kj::Timer& timer, const RoomOptions& options);
  ~ChatServer() noexcept(false);
  KJ_DISALLOW_COPY(ChatServer);

  // What one connection reaches. When it is destroyed, the connection counts as lost.
  capnp_chat::ChatRoom::Client NewDoor();

  const Room& room();

 private:
  class Hall;
  class Door;

  const std::shared_ptr<Hall> hall_;
};

}  // namespace millrace::chat

#endif  // MILLRACE_APPS_CHAT_CHAT_SERVER_H_
