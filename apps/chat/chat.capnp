# A room for talking. See apps/chat/room.h for what it promises.
@0xd3a1f5e86b2c4097;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::capnp_chat");

# What happened in the room.
struct Entry {
  name @0 :Text;  # whose
  union {
    said @1 :Text;
    joined @2 :Void;
    left @3 :Text;  # why; empty: because it wanted to
  }
}

# The room's last word to a client that is no member any more.
struct Farewell {
  reason @0 :Text;   # empty: the client has left
  taken @1 :UInt64;  # of the client's messages, the last that was heard
  forgotten @2 :Bool;  # or nobody knows any more what was heard
}

struct Welcome {
  after @0 :UInt64;         # the position from which to listen, for a client that has heard nothing
  others @1 :List(Text);    # who is here
  graceMs @2 :UInt32;       # how long a client may be away
}

struct JoinOutcome {
  union {
    welcome @0 :Welcome;
    refused @1 :Text;  # why; nothing was done
    gone @2 :Farewell;
  }
}

struct SayOutcome {
  union {
    taken @0 :UInt64;  # the number of the last message that was heard
    gone @1 :Farewell;
  }
}

struct ListenOutcome {
  union {
    news @0 :News;
    gone @1 :Farewell;
  }
}

struct News {
  entries @0 :List(Entry);  # none of the client's own
  upTo @1 :UInt64;          # the position from which to listen next
}

# What one connection reaches. Everything may be sent again on another connection.
interface ChatRoom {
  # First on every connection. `session` is 16 secret random bytes that the client keeps for its
  # life; `again` says that it was welcome before, so that it never becomes a second member.
  join @0 (name :Text, session :Data, again :Bool) -> (outcome :JoinOutcome);

  # Messages number `first` and those that follow it, from 1 up. What was heard before is skipped.
  say @1 (first :UInt64, texts :List(Text)) -> (outcome :SayOutcome);

  # Answers when there is something after that position. Says, too, that the client has everything
  # up to it.
  listen @2 (after :UInt64) -> (outcome :ListenOutcome);

  leave @3 () -> ();
}
