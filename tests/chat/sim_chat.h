// A chat in a simulated world (tests/sim/world.h): one server, and people who come, talk, are cut
// off, freeze and die. Everybody is on a host of the own name; the server's is "server".
//
// A witness joins before everybody else, never talks, and nothing ever happens to it: what it has
// seen is the order of all that happened in the room.
#ifndef MILLRACE_TESTS_CHAT_SIM_CHAT_H_
#define MILLRACE_TESTS_CHAT_SIM_CHAT_H_

#include <kj/async.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/chat/bell.h"
#include "apps/chat/chat_client.h"
#include "apps/chat/chat_server.h"
#include "apps/chat/room.h"
#include "rpc/connection.h"
#include "rpc/service_host.h"
#include "tests/sim/network.h"
#include "tests/sim/world.h"

namespace millrace::sim {

constexpr char kServer[] = "server";
constexpr char kServerAddress[] = "server:7300";

// What somebody has typed and seen; stays when the process is gone.
struct Transcript {
  std::string name;
  std::vector<std::string> typed;
  std::vector<std::string> shown;  // lines of the room
  std::vector<std::string> notes;  // about the client itself
  std::optional<chat::ChatEnd> end;
  std::string error;  // why it gave up
  bool killed = false;

  bool over() const { return end.has_value() || !error.empty() || killed; }
  size_t CountNotes(const std::string& note) const;
};

class ChatServerProcess final : private kj::TaskSet::ErrorHandler {
 public:
  ChatServerProcess(World& world, Network& network, const chat::RoomOptions& options);
  ~ChatServerProcess() noexcept(false);

  const chat::Room& room() { return chat_.room(); }

 private:
  void taskFailed(kj::Exception&& exception) override;

  Life life_;
  Random random_;
  Interface interface_;
  chat::ChatServer chat_;
  std::unique_ptr<ServiceHost> host_;
  kj::TaskSet tasks_;
};

class ChatPerson final : public chat::Screen, private kj::TaskSet::ErrorHandler {
 public:
  // `name` may be another's: the one of the process and its host is the transcript's.
  ChatPerson(World& world, Network& network, Transcript& transcript, const std::string& name);
  ~ChatPerson() noexcept(false) override;

  Life& life() { return life_; }
  void Type(const std::string& text);
  // The end of input, after all that was typed.
  void Finish();
  // As Ctrl-C.
  void Interrupt();
  // The screen takes nothing any more, until it does again; the process goes on.
  void Freeze() { frozen_ = true; }
  void Thaw();
  bool frozen() const { return frozen_; }

 private:
  void Show(const std::string& lines) override;
  kj::Promise<void> Shown() override;
  void Note(const std::string& line) override;
  kj::Promise<void> TypeOn();
  void taskFailed(kj::Exception&& exception) override;

  Transcript& transcript_;
  Life life_;
  Random random_;
  Interface interface_;
  bool frozen_ = false;
  chat::Bell thawed_;
  std::deque<std::string> to_type_;
  bool types_ = false;
  bool finishes_ = false;
  std::unique_ptr<chat::ChatClient> client_;
  kj::Promise<void> run_ = nullptr;
  kj::TaskSet tasks_;
};

class ChatWorld {
 public:
  ChatWorld(uint64_t seed, const chat::RoomOptions& options, bool print_trace = false);
  ~ChatWorld() noexcept(false);

  // A new process; its name has not been used before. It joins as `as`, which is the same if empty.
  ChatPerson& Add(const std::string& name, const std::string& as = "");
  ChatPerson& person(const std::string& name) { return *people_.at(name); }
  // The processes that are there, without the witness.
  std::vector<std::string> Alive() const;
  void Kill(const std::string& name);
  void RestartServer();

  const Transcript& transcript(const std::string& name) const { return transcripts_.at(name); }
  const std::map<std::string, Transcript>& transcripts() const { return transcripts_; }
  const std::vector<std::string>& order() const { return transcript("witness").shown; }

  // The server gets nothing from this host, or the host nothing from the server.
  void LoseRequestsOf(const std::string& name) { network_.Cut(name, kServer); }
  void LoseRepliesTo(const std::string& name) { network_.Cut(kServer, name); }
  void CutOff(const std::string& name) { network_.Part(name, kServer); }
  void ResetConnections(const std::string& name) { network_.ResetConnections(name, kServer); }

  World& world() { return world_; }
  Network& network() { return network_; }
  const chat::Room& room() { return server_->room(); }
  void RunFor(kj::Duration duration) { world_.RunFor(duration); }
  bool RunUntil(const std::function<bool()>& done) {
    return world_.RunUntil(done, 120 * kj::SECONDS);
  }

 private:
  World world_;
  Network network_;
  const chat::RoomOptions options_;
  std::map<std::string, Transcript> transcripts_;
  std::unique_ptr<ChatServerProcess> server_;
  std::map<std::string, std::unique_ptr<ChatPerson>> people_;
};

// What is wrong with what people saw, or "". Promised is: one order; who is in the room sees what
// the others say from its joining on, each once, up to some point; what it says appears in the
// order in which it was typed, each once, all of it if it left by itself, and otherwise all but
// what it was told that nobody heard. `calm`: nothing is under way any more, so that everybody who
// is there has seen everything.
std::string CheckChat(const ChatWorld& world, bool calm);

}  // namespace millrace::sim

#endif  // MILLRACE_TESTS_CHAT_SIM_CHAT_H_
