// Which server gets which word next, and what becomes of the words of a server that is lost.
//
// A deterministic state machine without clock or network. Servers and words are known by number,
// from 0. A word belongs to one server at a time; once it is answered it is never given out again.
#ifndef MILLRACE_APPS_SECRET_STRINGS_WORD_BALANCER_H_
#define MILLRACE_APPS_SECRET_STRINGS_WORD_BALANCER_H_

#include <cstddef>
#include <optional>
#include <set>
#include <vector>

namespace millrace {

struct Assignment {
  size_t server = 0;
  size_t word = 0;

  friend bool operator==(const Assignment& a, const Assignment& b) {
    return a.server == b.server && a.word == b.word;
  }
};

class WordBalancer {
 public:
  // All servers begin as lost. A server never has more than `outstanding_max` words, at least one.
  WordBalancer(size_t servers, size_t words, size_t outstanding_max);

  void Joined(size_t server);
  // What it had and did not answer goes to the others, before words that nobody had yet. The number
  // of such words.
  size_t Lost(size_t server);
  // Only of a word that the server has.
  void Answered(size_t server, size_t word);

  // Gives the first word that is free to the server that has the fewest, of several such to the
  // first; it has the word from now on. None: no word is free, or no server has room.
  std::optional<Assignment> Next();

  bool done() const { return answered_ == words_; }
  size_t outstanding(size_t server) const { return servers_[server].words.size(); }
  // Words that this server has answered.
  size_t answered_by(size_t server) const { return servers_[server].answered; }

 private:
  struct Server {
    bool joined = false;
    std::set<size_t> words;
    size_t answered = 0;
  };

  bool HasRoom(const Server& server) const {
    return server.joined && server.words.size() < outstanding_max_;
  }
  size_t TakeFirstFree();

  const size_t words_;
  const size_t outstanding_max_;
  std::vector<Server> servers_;
  std::set<size_t> returned_;  // free again: some server had them and was lost
  size_t next_ = 0;            // words from here on nobody had yet
  size_t answered_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_APPS_SECRET_STRINGS_WORD_BALANCER_H_
