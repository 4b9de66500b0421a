// The room's outcomes as messages (apps/chat/chat.capnp), and back. Whatever comes in is bounded by
// the size of a message.
#ifndef MILLRACE_APPS_CHAT_CHAT_WIRE_H_
#define MILLRACE_APPS_CHAT_CHAT_WIRE_H_

#include <capnp/common.h>

#include <cstdint>
#include <string>

#include "apps/chat/chat.capnp.h"
#include "apps/chat/room.h"

namespace millrace::chat {

std::string ReadText(capnp::Text::Reader text);

void Write(const JoinOutcome& outcome, uint32_t grace_ms, capnp_chat::JoinOutcome::Builder to);
void Write(const SayOutcome& outcome, capnp_chat::SayOutcome::Builder to);
void Write(const ListenOutcome& outcome, capnp_chat::ListenOutcome::Builder to);

JoinOutcome Read(capnp_chat::JoinOutcome::Reader from);
SayOutcome Read(capnp_chat::SayOutcome::Reader from);
ListenOutcome Read(capnp_chat::ListenOutcome::Reader from);

}  // namespace millrace::chat

#endif  // MILLRACE_APPS_CHAT_CHAT_WIRE_H_
