// What a client has to say and does not know to be heard. Pure; one thread.
//
// Messages are numbered from 1 up; they go out in that order, and again and again until the room
// has taken them. Bounded: whoever types more waits.
#ifndef MILLRACE_APPS_CHAT_OUTBOX_H_
#define MILLRACE_APPS_CHAT_OUTBOX_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace millrace::chat {

class Outbox {
 public:
  static constexpr size_t kMessagesMax = 64;

  bool HasRoom() const { return messages_.size() < kMessagesMax; }
  bool empty() const { return messages_.empty(); }

  void Add(std::string message) { messages_.push_back(std::move(message)); }

  // The number of the first message that is not known to be heard, and some from there on.
  uint64_t first() const { return first_; }
  std::vector<std::string> Next(size_t most) const {
    return {messages_.begin(), messages_.begin() + std::min(most, messages_.size())};
  }
  const std::deque<std::string>& messages() const { return messages_; }

  // All up to this number were heard. An old answer does no harm.
  void Heard(uint64_t up_to) {
    for (; !messages_.empty() && first_ <= up_to; ++first_) messages_.pop_front();
  }

 private:
  uint64_t first_ = 1;
  std::deque<std::string> messages_;
};

}  // namespace millrace::chat

#endif  // MILLRACE_APPS_CHAT_OUTBOX_H_
