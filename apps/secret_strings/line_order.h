// Brings what becomes ready in any order back into order.
//
//   LineOrder<std::string> order;
//   order.Add(1, "b");  // {}
//   order.Add(0, "a");  // {"a", "b"}
//
// Holds what is ready too early, at most all lines of a list. Pure; any thread.
#ifndef MILLRACE_APPS_SECRET_STRINGS_LINE_ORDER_H_
#define MILLRACE_APPS_SECRET_STRINGS_LINE_ORDER_H_

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

namespace millrace {

template <typename Line>
class LineOrder {
 public:
  // Returns the lines whose turn has come, in order. Each number is added once, from 0.
  std::vector<Line> Add(size_t number, Line line) {
    early_.emplace(number, std::move(line));
    std::vector<Line> ready;
    while (!early_.empty() && early_.begin()->first == next_) {
      ready.push_back(std::move(early_.begin()->second));
      early_.erase(early_.begin());
      ++next_;
    }
    return ready;
  }

 private:
  std::map<size_t, Line> early_;
  size_t next_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_APPS_SECRET_STRINGS_LINE_ORDER_H_
