// The room against the simplest thing that could be right: every member with a queue of its own,
// and the set of all message numbers that were ever heard of it.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "apps/chat/room.h"

namespace millrace::chat {
namespace {

using Lines = std::vector<std::string>;

RoomOptions SmallRoom() {
  RoomOptions options;
  options.window = 6;
  options.grace = absl::Seconds(10);
  options.members_max = 3;
  return options;
}

class NaiveRoom {
 public:
  struct Member {
    std::string name;
    // Of every entry since it joined; own ones are there and not shown.
    std::deque<std::pair<bool, std::string>> queue;
    std::set<uint64_t> heard;
    size_t connections = 0;
    absl::Time alone_since;
  };

  std::map<std::string, Member> members;
  std::map<std::string, std::string> gone;  // session: why

  bool Join(const std::string& session, const std::string& name, absl::Time now) {
    for (const auto& [other, member] : members) {
      if (member.name == name) return false;
    }
    if (members.size() >= SmallRoom().members_max) return false;
    Happens("", "* " + name + " joined");
    members[session].name = name;
    members[session].alone_since = now;
    Drop();
    return true;
  }

  void Say(const std::string& session, uint64_t number) {
    if (members.count(session) == 0) return;
    Member& member = members[session];
    if (number != 1 && member.heard.count(number - 1) == 0) return;
    if (!member.heard.insert(number).second) return;
    Happens(session, absl::StrCat(member.name, ": ", number));
    Drop();
  }

  void Leave(const std::string& session, const std::string& why) {
    gone[session] = why;
    const std::string name = members[session].name;
    members.erase(session);
    Happens("", absl::StrCat("* ", name, " left", why.empty() ? "" : " (" + why + ")"));
  }

  void Expire(absl::Time now) {
    for (const auto& [session, member] : std::map<std::string, Member>(members)) {
      if (member.connections > 0 || now - member.alone_since < SmallRoom().grace) continue;
      Leave(session, "connection lost for 10s");
    }
    Drop();
  }

  void Drop() {
    for (;;) {
      const auto full = std::find_if(members.begin(), members.end(), [](const auto& member) {
        return member.second.queue.size() > SmallRoom().window;
      });
      if (full == members.end()) return;
      Leave(full->first, "did not read: 6 messages waited");
    }
  }

 private:
  void Happens(const std::string& author, const std::string& line) {
    for (auto& [session, member] : members) member.queue.push_back({session == author, line});
  }
};

// Somebody who joins under one name again and again, each time with a new session.
class Person {
 public:
  Person(int number, const std::string& name) : name(name), number_(number) { Renew(); }

  void Renew() {
    session = absl::StrCat(number_, "-", ++sessions_, "................").substr(0, kSessionBytes);
    was_welcome = false;
    after = said = 0;
  }

  std::string name;
  std::string session;
  bool was_welcome = false;
  uint64_t after = 0;  // has everything up to here
  uint64_t said = 0;

 private:
  int number_;
  int sessions_ = 0;
};

class Play {
 public:
  Play() {
    // Two of them want the same name.
    for (const char* name : {"ann", "bob", "cat", "dan", "ann"}) {
      people_.emplace_back(static_cast<int>(people_.size()), name);
    }
  }

  void Step() {
    Person& person = people_[*rc::gen::inRange<size_t>(0, people_.size())];
    switch (
        *rc::gen::weightedElement<int>({{4, 0}, {8, 1}, {6, 2}, {1, 3}, {2, 4}, {2, 5}, {2, 6}})) {
      case 0: Join(person); break;
      case 1: Say(person); break;
      case 2: Listen(person); break;
      case 3: Leave(person); break;
      case 4: Attach(person); break;
      case 5: Detach(person); break;
      default: Pass(); break;
    }
    RC_ASSERT(room_.members() == naive_.members.size());
    RC_ASSERT(room_.history() <= SmallRoom().window);
  }

 private:
  bool IsMember(const Person& person) { return naive_.members.count(person.session) != 0; }

  void Join(Person& person) {
    const JoinOutcome outcome = room_.Join(person.session, person.name, person.was_welcome, now_);
    if (IsMember(person)) {
      RC_ASSERT(std::holds_alternative<Welcome>(outcome));
    } else if (const auto gone = naive_.gone.find(person.session); gone != naive_.gone.end()) {
      ExpectGone(outcome, person);
      if (*rc::gen::arbitrary<bool>()) person.Renew();
    } else if (naive_.Join(person.session, person.name, now_)) {
      RC_ASSERT(std::holds_alternative<Welcome>(outcome));
      person.was_welcome = true;
      person.after = std::get<Welcome>(outcome).after;
      RC_ASSERT(std::get<Welcome>(outcome).others.size() + 1 >= naive_.members.size());
    } else {
      RC_ASSERT(std::holds_alternative<Refused>(outcome));
    }
  }

  // New messages, old ones, or old and new together; numbers are the texts.
  void Say(Person& person) {
    const uint64_t first = person.said + 1 - *rc::gen::inRange<uint64_t>(0, person.said + 1);
    const uint64_t count = *rc::gen::inRange<uint64_t>(1, 4);
    Lines texts;
    for (uint64_t i = first; i < first + count; ++i) texts.push_back(absl::StrCat(i));
    const SayOutcome outcome = room_.Say(person.session, first, texts);
    for (uint64_t i = first; i < first + count; ++i) naive_.Say(person.session, i);
    if (!IsMember(person)) return ExpectGone(outcome, person);
    person.said = std::max(person.said, first + count - 1);
    RC_ASSERT(std::get<uint64_t>(outcome) == naive_.members[person.session].heard.size());
  }

  // Sometimes the answer is lost on its way.
  void Listen(Person& person) {
    const ListenOutcome outcome = room_.Listen(person.session, person.after);
    if (!IsMember(person)) return ExpectGone(outcome, person);
    auto& queue = naive_.members[person.session].queue;
    for (uint64_t had = heard_[person.session]; had > 0; --had) queue.pop_front();
    heard_[person.session] = 0;
    Lines expected, lines;
    for (const auto& [own, line] : queue) {
      if (!own) expected.push_back(line);
    }
    const News& news = std::get<News>(outcome);
    for (const Entry& entry : news.entries) lines.push_back(EntryText(entry));
    RC_ASSERT(lines == expected);
    RC_ASSERT(news.up_to - person.after == queue.size());
    if (*rc::gen::inRange(0, 3) == 0) return;
    heard_[person.session] = queue.size();
    person.after = news.up_to;
  }

  void Leave(Person& person) {
    room_.Leave(person.session);
    if (!IsMember(person)) return;
    naive_.Leave(person.session, "");
    naive_.Drop();
  }

  void Attach(Person& person) {
    room_.Attach(person.session);
    if (IsMember(person)) ++naive_.members[person.session].connections;
  }

  void Detach(Person& person) {
    if (!IsMember(person)) return;
    auto& member = naive_.members[person.session];
    if (member.connections == 0) return;  // none that could end
    room_.Detach(person.session, now_);
    if (--member.connections == 0) member.alone_since = now_;
  }

  void Pass() {
    now_ += absl::Seconds(*rc::gen::inRange(0, 12));
    room_.Expire(now_);
    naive_.Expire(now_);
  }

  template <typename Outcome>
  void ExpectGone(const Outcome& outcome, const Person& person) {
    const auto* gone = std::get_if<Farewell>(&outcome);
    RC_ASSERT(gone != nullptr);
    if (naive_.gone.count(person.session) != 0) {
      RC_ASSERT(gone->reason == naive_.gone[person.session]);
    }
  }

  absl::Time now_ = absl::UnixEpoch();
  Room room_{SmallRoom()};
  NaiveRoom naive_;
  std::map<std::string, uint64_t> heard_;  // of the queue, to be acknowledged with the next call
  std::vector<Person> people_;
};

RC_GTEST_PROP(RoomModelTest, IsAQueueForEachMember, ()) {
  Play play;
  const int steps = *rc::gen::inRange(0, 150);
  for (int i = 0; i < steps; ++i) play.Step();
}

}  // namespace
}  // namespace millrace::chat
