#include "apps/chat/chat_terminal.h"

#include <kj/debug.h>

#include <cstdio>
#include <utility>

#include "rpc/status_exception.h"

namespace millrace::chat {

// --- Output ---

void ChatScreen::Show(const std::string& lines) {
  waiting_ += lines;
  if (is_writing_) return;
  is_writing_ = true;
  writing_.add(WriteOn());
}

kj::Promise<void> ChatScreen::WriteOn() {
  if (waiting_.empty()) {
    is_writing_ = false;
    written_.Ring();
    return kj::READY_NOW;
  }
  return output_.Write(std::exchange(waiting_, "")).then([this]() {
    return WriteOn();  // the tail call
  });
}

kj::Promise<void> ChatScreen::Shown() {
  if (!failed_.ok()) return ToException(failed_);
  if (!is_writing_) return kj::READY_NOW;
  return written_.Next().then([this]() { return Shown(); });  // the tail call
}

void ChatScreen::Note(const std::string& line) { std::fprintf(stderr, "* %s\n", line.c_str()); }

// Nobody reads what is shown any more, or the disk is full.
void ChatScreen::taskFailed(kj::Exception&& exception) {
  failed_ = absl::InternalError(ToStatus(exception).message());
  written_.Ring();
}

// --- Input ---

kj::Promise<void> Keyboard::Run() {
  return input_.Read()
      .catch_([](kj::Exception&& e) {
        std::fprintf(stderr, "* %s; leaving\n", e.getDescription().cStr());
        return std::string();  // as at the end of input
      })
      .then([this](const std::string& bytes) {
        return bytes.empty() ? End() : Type(typed_.Add(bytes)).then([this]() { return Run(); });
      });
}

kj::Promise<void> Keyboard::End() {
  return Type(typed_.End()).then([this]() { client_.EndInput(); });
}

kj::Promise<void> Keyboard::Type(const std::vector<std::string>& messages) {
  to_type_.assign(messages.begin(), messages.end());
  return TypeOn();
}

kj::Promise<void> Keyboard::TypeOn() {
  if (to_type_.empty()) return kj::READY_NOW;
  const std::string message = to_type_.front();
  to_type_.pop_front();
  return client_.Type(message).then([this]() { return TypeOn(); });  // the tail call
}

}  // namespace millrace::chat
