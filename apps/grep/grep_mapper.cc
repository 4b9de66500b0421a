#include "apps/grep/grep_mapper.h"

#include "absl/strings/str_cat.h"
#include "mapreduce/byte_masks.h"
#include "mapreduce/strings.h"

namespace millrace {

void GrepMapper::Map(const MapInput& input) {
  counted_ = input.data().data();
  number_ = 0;
  input.Mark(input.data().data());
  matcher_->Search(input.data());
  size_t passed = 0;
  for (;;) {
    TextLine line;
    const absl::StatusOr<bool> found = matcher_->Next(&line);
    if (!found.ok()) {
      input.Mark(line.content.data());
      return Fail(
          absl::StrCat("the pattern takes too much on this line: ", found.status().message(),
                       "; write it with less to try, such as fewer nested repetitions"));
    }
    const size_t begin = *found ? line.begin : input.data().size();
    if (invert_) EmitAll(input, input.data().substr(passed, begin - passed));
    if (!*found) return;
    if (!invert_) EmitLine(input, line.content);
    passed = line.next;
  }
}

void GrepMapper::EmitAll(const MapInput& input, std::string_view lines) {
  while (!lines.empty()) {
    const TextLine line = LineAt(lines, 0);
    EmitLine(input, line.content);
    lines.remove_prefix(line.next);
  }
}

void GrepMapper::EmitLine(const MapInput& input, std::string_view line) {
  key_.clear();
  absl::StrAppend(&key_, ToAbsl(input.file()), ":", NumberOf(input, line.data()));
  Emit(key_, line);
}

uint64_t GrepMapper::NumberOf(const MapInput& input, const char* line) {
  if (number_ == 0) number_ = input.FirstLine();
  number_ += CountByte({counted_, static_cast<size_t>(line - counted_)}, '\n');
  counted_ = line;
  return number_;
}

}  // namespace millrace
