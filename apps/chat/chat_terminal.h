// A chat client's ends towards a person: what is typed on one descriptor goes to the client, and
// what the client shows goes to another, both without blocking the event loop.
//
// Lives on one event loop.
#ifndef MILLRACE_APPS_CHAT_CHAT_TERMINAL_H_
#define MILLRACE_APPS_CHAT_CHAT_TERMINAL_H_

#include <kj/async-unix.h>
#include <kj/async.h>

#include <deque>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "apps/chat/bell.h"
#include "apps/chat/chat_client.h"
#include "apps/chat/plain_text.h"
#include "apps/chat/polled_fd.h"

namespace millrace::chat {

// What is shown goes out in order; one answer of the server at most waits to be written. Notes go
// to standard error.
class ChatScreen final : public Screen, private kj::TaskSet::ErrorHandler {
 public:
  ChatScreen(kj::UnixEventPort& port, int fd) : output_(port, fd), writing_(*this) {}
  KJ_DISALLOW_COPY(ChatScreen);

  void Show(const std::string& lines) override;
  // Rejects when writing has failed.
  kj::Promise<void> Shown() override;
  void Note(const std::string& line) override;

 private:
  kj::Promise<void> WriteOn();
  void taskFailed(kj::Exception&& exception) override;

  PolledOutput output_;
  std::string waiting_;
  bool is_writing_ = false;
  absl::Status failed_;
  Bell written_;
  kj::TaskSet writing_;
};

// Feeds a client with what is typed, as fast as it takes it.
class Keyboard {
 public:
  Keyboard(kj::UnixEventPort& port, int fd, ChatClient& client)
      : input_(port, fd), client_(client) {}
  KJ_DISALLOW_COPY(Keyboard);

  // Resolves at the end of input, when the client has been told.
  kj::Promise<void> Run();

 private:
  kj::Promise<void> End();
  kj::Promise<void> Type(const std::vector<std::string>& messages);
  kj::Promise<void> TypeOn();

  PolledInput input_;
  ChatClient& client_;
  TypedLines typed_;
  std::deque<std::string> to_type_;  // of one read
};

}  // namespace millrace::chat

#endif  // MILLRACE_APPS_CHAT_CHAT_TERMINAL_H_
