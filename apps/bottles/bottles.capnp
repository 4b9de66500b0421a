# What buddies in a ring say to each other.
@0xb4ee3a2f08197ab0;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::capnp_bottles");

interface Buddy {
  # Are you there, who are you, and who comes after you?
  meet @0 () -> (card :Card);

  # Sing this verse, if you have sung none below `since`. Answered when it is sung, before anybody
  # is told to sing the next one.
  sing @1 (verse :UInt32, since :UInt32) -> (lowest :UInt32, card :Card);

  # The song is over; tell your next one.
  songIsOver @2 () -> ();
}

struct Card {
  id @0 :UInt64;                 # of this life of the buddy
  successors @1 :List(Text);     # HOST:PORT, nearest first
  ageMs @2 :UInt64;              # for how long this life has lasted
  hasSung @3 :Bool;              # in this life
}
