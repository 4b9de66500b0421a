#include "rpc/json_writer.h"

#include <cstddef>
#include <cstdio>

namespace millrace {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool IsContinuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

// Length of the UTF-8 sequence at the start of `text`, 0 when there is no valid one: RFC 3629,
// which excludes surrogates, overlong forms and what lies beyond U+10FFFF.
size_t Utf8Length(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(byte(i))) return 0;
  }
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

void AppendEscape(char c, std::string* out) {
  switch (c) {
    case '"': *out += "\\\""; return;
    case '\\': *out += "\\\\"; return;
    case '\n': *out += "\\n"; return;
    case '\r': *out += "\\r"; return;
    case '\t': *out += "\\t"; return;
    default: break;
  }
  char text[8];
  std::snprintf(text, sizeof(text), "\\u%04x", static_cast<unsigned char>(c));
  *out += text;
}

bool NeedsEscape(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F || c == '"' || c == '\\';
}

}  // namespace

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

JsonWriter& JsonWriter::OpenObject() {
  Raw("{");
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::CloseObject() {
  text_ += '}';
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::OpenArray() {
  Raw("[");
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::CloseArray() {
  text_ += ']';
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  Separate();
  AppendQuoted(name);
  text_ += ": ";
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view value) {
  Separate();
  AppendQuoted(value);
  return *this;
}

JsonWriter& JsonWriter::Number(uint64_t value) { return Raw(std::to_string(value)); }

JsonWriter& JsonWriter::SignedNumber(int64_t value) { return Raw(std::to_string(value)); }

JsonWriter& JsonWriter::Seconds(uint64_t milliseconds) {
  char text[32];
  std::snprintf(text, sizeof(text), "%llu.%03u",
                static_cast<unsigned long long>(milliseconds / 1000),  // NOLINT: for printf
                static_cast<unsigned>(milliseconds % 1000));
  return Raw(text);
}

JsonWriter& JsonWriter::Null() { return Raw("null"); }

void JsonWriter::Separate() {
  if (!first_ && !after_key_) text_ += ", ";
  first_ = false;
  after_key_ = false;
}

JsonWriter& JsonWriter::Raw(std::string_view value) {
  Separate();
  text_ += value;
  return *this;
}

void JsonWriter::AppendQuoted(std::string_view value) {
  text_ += '"';
  while (!value.empty()) {
    const size_t length = Utf8Length(value);
    if (length == 0) {
      text_ += kReplacement;
    } else if (NeedsEscape(value.front())) {
      AppendEscape(value.front(), &text_);
    } else {
      text_ += value.substr(0, length);
    }
    value.remove_prefix(length == 0 ? 1 : length);
  }
  text_ += '"';
}

}  // namespace millrace
