#include "apps/chat/chat_wire.h"

#include <kj/debug.h>

#include <utility>
#include <variant>

namespace millrace::chat {
namespace {

using WireEntry = capnp_chat::Entry;

void Write(const Farewell& farewell, capnp_chat::Farewell::Builder to) {
  to.setReason(farewell.reason.c_str());
  to.setTaken(farewell.taken);
  to.setForgotten(farewell.forgotten);
}

Farewell Read(capnp_chat::Farewell::Reader from) {
  return {ReadText(from.getReason()), from.getTaken(), from.getForgotten()};
}

void Write(const Entry& entry, WireEntry::Builder to) {
  to.setName(entry.name.c_str());
  switch (entry.kind) {
    case Entry::Kind::kSaid: to.setSaid(entry.text.c_str()); return;
    case Entry::Kind::kJoined: to.setJoined(); return;
    case Entry::Kind::kLeft: to.setLeft(entry.text.c_str()); return;
  }
}

Entry Read(WireEntry::Reader from) {
  const std::string name = ReadText(from.getName());
  switch (from.which()) {
    case WireEntry::SAID: return {Entry::Kind::kSaid, name, ReadText(from.getSaid())};
    case WireEntry::JOINED: return {Entry::Kind::kJoined, name, ""};
    case WireEntry::LEFT: return {Entry::Kind::kLeft, name, ReadText(from.getLeft())};
  }
  KJ_FAIL_REQUIRE("an entry of a kind that this program does not know");
}

void Write(const Welcome& welcome, uint32_t grace_ms, capnp_chat::Welcome::Builder to) {
  to.setAfter(welcome.after);
  to.setGraceMs(grace_ms);
  auto others = to.initOthers(static_cast<unsigned>(welcome.others.size()));
  for (unsigned i = 0; i < others.size(); ++i) others.set(i, welcome.others[i].c_str());
}

Welcome Read(capnp_chat::Welcome::Reader from) {
  Welcome welcome;
  welcome.after = from.getAfter();
  for (const auto name : from.getOthers()) welcome.others.push_back(ReadText(name));
  return welcome;
}

}  // namespace

std::string ReadText(capnp::Text::Reader text) { return std::string(text.begin(), text.size()); }

void Write(const JoinOutcome& outcome, uint32_t grace_ms, capnp_chat::JoinOutcome::Builder to) {
  if (const auto* welcome = std::get_if<Welcome>(&outcome)) {
    Write(*welcome, grace_ms, to.initWelcome());
  } else if (const auto* refused = std::get_if<Refused>(&outcome)) {
    to.setRefused(refused->reason.c_str());
  } else {
    Write(std::get<Farewell>(outcome), to.initGone());
  }
}

void Write(const SayOutcome& outcome, capnp_chat::SayOutcome::Builder to) {
  if (const auto* taken = std::get_if<uint64_t>(&outcome)) {
    to.setTaken(*taken);
  } else {
    Write(std::get<Farewell>(outcome), to.initGone());
  }
}

void Write(const ListenOutcome& outcome, capnp_chat::ListenOutcome::Builder to) {
  const auto* news = std::get_if<News>(&outcome);
  if (news == nullptr) return Write(std::get<Farewell>(outcome), to.initGone());
  auto wire = to.initNews();
  wire.setUpTo(news->up_to);
  auto entries = wire.initEntries(static_cast<unsigned>(news->entries.size()));
  for (unsigned i = 0; i < entries.size(); ++i) Write(news->entries[i], entries[i]);
}

JoinOutcome Read(capnp_chat::JoinOutcome::Reader from) {
  switch (from.which()) {
    case capnp_chat::JoinOutcome::WELCOME: return Read(from.getWelcome());
    case capnp_chat::JoinOutcome::REFUSED: return Refused{ReadText(from.getRefused())};
    case capnp_chat::JoinOutcome::GONE: return Read(from.getGone());
  }
  KJ_FAIL_REQUIRE("an outcome that this program does not know");
}

SayOutcome Read(capnp_chat::SayOutcome::Reader from) {
  switch (from.which()) {
    case capnp_chat::SayOutcome::TAKEN: return from.getTaken();
    case capnp_chat::SayOutcome::GONE: return Read(from.getGone());
  }
  KJ_FAIL_REQUIRE("an outcome that this program does not know");
}

ListenOutcome Read(capnp_chat::ListenOutcome::Reader from) {
  switch (from.which()) {
    case capnp_chat::ListenOutcome::NEWS: {
      News news;
      news.up_to = from.getNews().getUpTo();
      for (const auto entry : from.getNews().getEntries()) news.entries.push_back(Read(entry));
      return news;
    }
    case capnp_chat::ListenOutcome::GONE: return Read(from.getGone());
  }
  KJ_FAIL_REQUIRE("an outcome that this program does not know");
}

}  // namespace millrace::chat
