# A server that counts words.
@0xd4f1b6a07c3e9285;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::capnp_words");

struct WordCount {
  word @0 :Data;  # any bytes but white space
  count @1 :UInt64;
}

interface WordCounter {
  # How often each word stands in `text`, sorted by word. Has no effect, so it may be asked again.
  # A text of more than 1 MiB is refused.
  count @0 (text :Data) -> (counts :List(WordCount));
}
