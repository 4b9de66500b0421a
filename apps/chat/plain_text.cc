#include "apps/chat/plain_text.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/json_writer.h"

namespace millrace::chat {
namespace {

constexpr char32_t kInvalid = 0;  // what is no UTF-8 is as little shown as NUL is

struct Range {
  char32_t first;
  char32_t last;
};

constexpr Range kForbidden[] = {
    {0x00, 0x1F},       {0x7F, 0x9F},  // controls, of which 0x9B begins escape sequences too
    {0x061C, 0x061C},                  // direction of writing
    {0x200B, 0x200B},                  // no width
    {0x200E, 0x200F},                  // direction of writing
    {0x2028, 0x202E},                  // ends of lines and paragraphs, direction of writing
    {0x2060, 0x206F},                  // no width, direction of writing
    {0xFEFF, 0xFEFF},                  // no width
    {0xFFF9, 0xFFFB},                  // annotations
    {0xE0000, 0xE007F},                // tags: a text that nobody sees
};

// Texts may have these, names not: they look like nothing, or like a blank.
constexpr Range kForbiddenInNames[] = {
    {0x20, 0x20},     {0x3A, 0x3A},     {0xA0, 0xA0},       {0xAD, 0xAD},     {0x034F, 0x034F},
    {0x115F, 0x1160}, {0x1680, 0x1680}, {0x17B4, 0x17B5},   {0x180B, 0x180F}, {0x2000, 0x200F},
    {0x202F, 0x202F}, {0x205F, 0x205F}, {0x2800, 0x2800},   {0x3000, 0x3000}, {0x3164, 0x3164},
    {0xFE00, 0xFE0F}, {0xFFA0, 0xFFA0}, {0xE0100, 0xE01EF},
};

template <size_t n>
bool IsIn(const Range (&ranges)[n], char32_t character) {
  return std::any_of(std::begin(ranges), std::end(ranges), [character](const Range& range) {
    return range.first <= character && character <= range.last;
  });
}

// The first character of a text that is not empty.
struct Character {
  explicit Character(std::string_view text) {
    size_t length = 1;
    while (length < std::min<size_t>(text.size(), 4) && !IsUtf8(text.substr(0, length))) ++length;
    bytes = text.substr(0, length);
    if (!IsUtf8(bytes)) {
      bytes = text.substr(0, 1);
      return;
    }
    const auto lead = static_cast<unsigned char>(bytes[0]);
    code = length == 1 ? lead : lead & (0xFF >> (length + 1));
    for (size_t i = 1; i < length; ++i) {
      code = code << 6 | (static_cast<unsigned char>(bytes[i]) & 0x3F);
    }
  }

  std::string_view bytes;
  char32_t code = kInvalid;
};

}  // namespace

std::string CleanText(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const Character character(text);
    text.remove_prefix(character.bytes.size());
    if (character.code == '\t') {
      clean += ' ';
    } else if (IsIn(kForbidden, character.code)) {
      clean += '?';
    } else {
      clean += character.bytes;
    }
  }
  return clean;
}

std::string_view Beginning(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  size_t length = bytes_max;
  const auto is_continuation = [text](size_t i) {
    return (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
  };
  // No character has more than three of them.
  for (int i = 0; i < 3 && length > 0 && is_continuation(length); ++i) --length;
  return text.substr(0, is_continuation(length) ? bytes_max : length);
}

absl::Status CheckName(std::string_view name) {
  const auto wrong = [name](const std::string& why) {
    return absl::InvalidArgumentError(
        absl::StrCat("the name \"", CleanText(Beginning(name, kNameBytesMax)), "\" ", why));
  };
  if (name.empty()) return wrong("is empty");
  if (name.size() > kNameBytesMax) {
    return wrong(absl::StrCat("is longer than ", kNameBytesMax, " bytes"));
  }
  if (name[0] == '*') return wrong("begins with a star, as announcements do");
  for (std::string_view rest = name; !rest.empty();) {
    const Character character(rest);
    rest.remove_prefix(character.bytes.size());
    if (IsIn(kForbidden, character.code) || IsIn(kForbiddenInNames, character.code)) {
      return wrong("has white space, a colon, or something that a terminal does not show");
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> TypedLines::Add(std::string_view bytes) {
  std::vector<std::string> messages;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const bool complete = end != std::string_view::npos;
    begun_ += bytes.substr(0, end);
    bytes.remove_prefix(complete ? end + 1 : bytes.size());
    if (complete) {
      for (std::string& message : End()) messages.push_back(std::move(message));
    }
    while (begun_.size() > kTextBytesMax) {
      const std::string piece(Beginning(begun_, kTextBytesMax));
      begun_.erase(0, piece.size());
      messages.push_back(CleanText(piece));
    }
  }
  return messages;
}

std::vector<std::string> TypedLines::End() {
  std::vector<std::string> messages;
  std::string line;
  line.swap(begun_);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  std::string_view rest = line;
  while (!rest.empty()) {
    const std::string_view piece = Beginning(rest, kTextBytesMax);
    rest.remove_prefix(piece.size());
    messages.push_back(CleanText(piece));
  }
  return messages;
}

}  // namespace millrace::chat
