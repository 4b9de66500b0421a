# A server that reverses strings by their code points. It keeps nothing, so whatever was asked may
# be asked again, here or at another server.
@0xf16bd8c5a3472e09;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::capnp_strings");

struct Reversal {
  text @0 :Data;       # as long as what was asked
  validUtf8 @1 :Bool;  # whether that was UTF-8; other bytes are kept as they are
}

interface SecretStrings {
  # Slow, and one string at a time: waits for those that came before. A text of more than 1 MiB is
  # refused.
  reverse @0 (text :Data) -> (reversal :Reversal);

  # At once, for premium users.
  fastReverse @1 (text :Data, token :Data) -> (outcome :FastOutcome);

  struct FastOutcome {
    union {
      reversal @0 :Reversal;
      refused @1 :Text;  # why
    }
  }
}
