// A room in which people talk: who is here, what was said in which order, who has heard how much.
//
// What happens in the room (a message, a join, a leave) is an entry, and entries have one order for
// everybody: their numbers, from 1 up. A member hears each entry that is not its own once, by
// telling the number up to which it has everything. The last `window` entries are kept, once for
// all members; a member that is more behind is dropped, so nobody ever waits for a slow one.
//
// Connections come and go below: a member is one session, known by a secret that its client holds.
// What a client sends again is recognised by the number it gave the message. A member without a
// connection is waited for for a while (`grace`). Whoever was a member is told why it is none any
// more, for as long as that is remembered.
//
// A deterministic state machine: no clock, no promises. One thread.
#ifndef MILLRACE_APPS_CHAT_ROOM_H_
#define MILLRACE_APPS_CHAT_ROOM_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"

namespace millrace::chat {

constexpr size_t kSessionBytes = 16;

struct RoomOptions {
  size_t window = 1024;  // entries that may wait for one member
  absl::Duration grace = absl::Seconds(15);
  size_t members_max = 256;
  size_t farewells_max = 4096;
};

struct Entry {
  enum class Kind { kSaid, kJoined, kLeft };

  Kind kind = Kind::kSaid;
  std::string name;
  std::string text;  // what was said; why it left, empty when it wanted to

  friend bool operator==(const Entry& a, const Entry& b) {
    return a.kind == b.kind && a.name == b.name && a.text == b.text;
  }
};

struct Welcome {
  uint64_t after = 0;               // the number of the entry from which on this member hears
  std::vector<std::string> others;  // names of who is here
};

struct Refused {
  std::string reason;
};

// The last word to a session that is no member any more.
struct Farewell {
  std::string reason;  // empty: it has left
  uint64_t taken = 0;  // of its messages, the last that was heard
  // Nobody knows any more who it was and what was heard of it.
  bool forgotten = false;
};

struct News {
  std::vector<Entry> entries;
  uint64_t up_to = 0;  // the number from which to ask next
};

using JoinOutcome = std::variant<Welcome, Refused, Farewell>;
using SayOutcome =
    std::variant<uint64_t, Farewell>;  // the number of its last message that is heard
using ListenOutcome = std::variant<News, Farewell>;

class Room {
 public:
  explicit Room(const RoomOptions& options);

  // Makes the session a member, unless it is one. With `again` it was one before, and never becomes
  // another: if it is unknown, or was dropped, it is told so. A name can be taken once.
  JoinOutcome Join(const std::string& session, const std::string& name, bool again, absl::Time now);

  // A connection of this member begins, and ends; it may have several. A new member has none. (The
  // end of one that a forgotten life of the session had is not counted.)
  void Attach(const std::string& session);
  void Detach(const std::string& session, absl::Time now);

  // Hears the messages with the numbers `first`, `first` + 1 and so on that follow those which it
  // has heard, each once, cleaned and cut to kTextBytesMax.
  SayOutcome Say(const std::string& session, uint64_t first, const std::vector<std::string>& texts);

  // What came after that number, at most kNewsMax entries of the order, and notes that the member
  // has everything up to it.
  ListenOutcome Listen(const std::string& session, uint64_t after);

  void Leave(const std::string& session);

  // Lets go of the members whose grace has passed.
  void Expire(absl::Time now);

  // The number of the last entry.
  uint64_t last() const { return last_; }
  size_t members() const { return members_.size(); }
  // Entries, and endings of sessions, that are remembered.
  size_t history() const { return history_.size(); }
  size_t farewells() const { return farewells_.size(); }

 private:
  struct Member {
    uint64_t id = 0;  // unlike its name, no other ever has it
    std::string name;
    uint64_t has_up_to = 0;
    uint64_t taken = 0;
    size_t connections = 0;
    absl::Time alone_since;  // without connections
  };
  using Members = std::map<std::string, Member>;  // by session

  JoinOutcome Admit(const std::string& session, const std::string& name, absl::Time now);
  Welcome WelcomeTo(const Member& member) const;
  Farewell FarewellTo(const std::string& session) const;
  void Append(uint64_t author, Entry entry);
  void Remove(Members::iterator member, const std::string& reason);
  void DropLaggards();

  struct Numbered {
    uint64_t author;
    Entry entry;
  };

  const RoomOptions options_;
  uint64_t next_id_ = 1;
  uint64_t last_ = 0;
  std::deque<Numbered> history_;  // the last of them has the number last_
  Members members_;
  std::map<std::string, Farewell> farewells_;
  std::deque<std::string> endings_;  // the sessions in farewells_, oldest first
};

// Of one answer to a listener: several times what a speaker sends at once, so that a listener can
// keep up with several speakers on connections like its own.
constexpr size_t kNewsMax = 256;
constexpr size_t kTextsPerCall = 16;

// As people read it, without the end of line.
std::string EntryText(const Entry& entry);

}  // namespace millrace::chat

#endif  // MILLRACE_APPS_CHAT_ROOM_H_
