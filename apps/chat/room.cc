#include "apps/chat/room.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "apps/chat/plain_text.h"
#include "mapreduce/count_text.h"

namespace millrace::chat {

Room::Room(const RoomOptions& options) : options_(options) {}

JoinOutcome Room::Join(const std::string& session, const std::string& name, bool again,
                       absl::Time now) {
  if (session.size() != kSessionBytes) return Refused{"this is no session"};
  if (const auto found = members_.find(session); found != members_.end()) {
    if (found->second.name != name) return Refused{"this session has another name"};
    return WelcomeTo(found->second);
  }
  // A copy of an old request must not bring back who has left.
  if (again || farewells_.count(session) != 0) return FarewellTo(session);
  return Admit(session, name, now);
}

JoinOutcome Room::Admit(const std::string& session, const std::string& name, absl::Time now) {
  if (const absl::Status checked = CheckName(name); !checked.ok()) {
    return Refused{std::string(checked.message())};
  }
  for (const auto& [other, member] : members_) {
    if (member.name != name) continue;
    return Refused{absl::StrCat(
        "the name \"", name, "\" is taken",
        member.connections == 0 ? " by somebody who has lost the connection and may come back" : "",
        "; choose another with --name=NAME")};
  }
  if (members_.size() >= options_.members_max) {
    return Refused{absl::StrCat("the room is full: ", CountText(members_.size(), "member"))};
  }
  Member& member = members_[session];
  member.id = next_id_++;
  member.name = name;
  member.alone_since = now;
  member.has_up_to = last_ + 1;  // its own joining is no news to it
  const Welcome welcome = WelcomeTo(member);
  Append(member.id, {Entry::Kind::kJoined, name, ""});
  return welcome;
}

Welcome Room::WelcomeTo(const Member& member) const {
  Welcome welcome;
  welcome.after = member.has_up_to;
  for (const auto& [session, other] : members_) {
    if (other.id != member.id) welcome.others.push_back(other.name);
  }
  std::sort(welcome.others.begin(), welcome.others.end());
  return welcome;
}

Farewell Room::FarewellTo(const std::string& session) const {
  const auto found = farewells_.find(session);
  if (found != farewells_.end()) return found->second;
  return {"unknown session: the server was started anew, or you were away for too long",
          /*taken=*/0, /*forgotten=*/true};
}

void Room::Attach(const std::string& session) {
  const auto found = members_.find(session);
  if (found != members_.end()) ++found->second.connections;
}

void Room::Detach(const std::string& session, absl::Time now) {
  const auto found = members_.find(session);
  if (found == members_.end() || found->second.connections == 0) return;
  if (--found->second.connections == 0) found->second.alone_since = now;
}

SayOutcome Room::Say(const std::string& session, uint64_t first,
                     const std::vector<std::string>& texts) {
  const auto found = members_.find(session);
  if (found == members_.end()) return FarewellTo(session);
  const uint64_t author = found->second.id;
  for (size_t i = 0; i < texts.size() && members_.count(session) != 0; ++i) {
    Member& member = members_[session];
    if (first + i != member.taken + 1) continue;  // heard before
    ++member.taken;
    // A client does both, too; but this room answers for every client.
    Append(author,
           {Entry::Kind::kSaid, member.name, CleanText(Beginning(texts[i], kTextBytesMax))});
  }
  // Its own message may have been the one for which there was no room in its window.
  const auto still = members_.find(session);
  if (still == members_.end()) return FarewellTo(session);
  return still->second.taken;
}

ListenOutcome Room::Listen(const std::string& session, uint64_t after) {
  const auto found = members_.find(session);
  if (found == members_.end()) return FarewellTo(session);
  Member& member = found->second;
  // What a member has is not sent again: only the past can ask for it, on a connection that its
  // client has given up.
  member.has_up_to = std::max(member.has_up_to, std::min(after, last_));
  News news;
  news.up_to = std::min<uint64_t>(last_, member.has_up_to + kNewsMax);
  const uint64_t before_history = last_ - history_.size();
  for (uint64_t number = member.has_up_to + 1; number <= news.up_to; ++number) {
    const Numbered& numbered = history_[number - before_history - 1];
    if (numbered.author != member.id) news.entries.push_back(numbered.entry);
  }
  return news;
}

void Room::Leave(const std::string& session) {
  const auto found = members_.find(session);
  if (found == members_.end()) return;
  Remove(found, "");
  DropLaggards();
}

void Room::Expire(absl::Time now) {
  for (auto it = members_.begin(); it != members_.end();) {
    const auto member = it++;
    if (member->second.connections != 0) continue;
    if (now - member->second.alone_since < options_.grace) continue;
    Remove(member, absl::StrCat("connection lost for ", absl::FormatDuration(options_.grace)));
  }
  DropLaggards();
}

void Room::Append(uint64_t author, Entry entry) {
  history_.push_back({author, std::move(entry)});
  ++last_;
  DropLaggards();
}

void Room::Remove(Members::iterator member, const std::string& reason) {
  farewells_[member->first] = {reason, member->second.taken};
  endings_.push_back(member->first);
  if (endings_.size() > options_.farewells_max) {
    farewells_.erase(endings_.front());
    endings_.pop_front();
  }
  history_.push_back({member->second.id, {Entry::Kind::kLeft, member->second.name, reason}});
  ++last_;
  members_.erase(member);
}

void Room::DropLaggards() {
  const auto lags = [this](const auto& member) {
    return last_ - member.second.has_up_to > options_.window;
  };
  // Saying that one is dropped may be the one entry too many for another.
  for (auto it = std::find_if(members_.begin(), members_.end(), lags); it != members_.end();
       it = std::find_if(members_.begin(), members_.end(), lags)) {
    Remove(it, absl::StrCat("did not read: ", options_.window, " messages waited"));
  }
  while (history_.size() > options_.window) history_.pop_front();
}

std::string EntryText(const Entry& entry) {
  switch (entry.kind) {
    case Entry::Kind::kJoined: return absl::StrCat("* ", entry.name, " joined");
    case Entry::Kind::kLeft:
      return absl::StrCat("* ", entry.name, " left",
                          entry.text.empty() ? "" : absl::StrCat(" (", entry.text, ")"));
    case Entry::Kind::kSaid: break;
  }
  return absl::StrCat(entry.name, ": ", entry.text);
}

}  // namespace millrace::chat
