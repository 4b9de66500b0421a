// Builds one JSON text, value by value, in the order written.
//
//   JsonWriter json;
//   json.OpenObject().Key("job").String("job-3").Key("tasks").Number(16).CloseObject();
//   std::move(json).Take();  // {"job": "job-3", "tasks": 16}
//
// Commas and quotes are its business; opening and closing in pairs is the caller's. Strings may
// hold any bytes: what is not UTF-8 becomes U+FFFD, so the text is always valid JSON.
#ifndef MILLRACE_RPC_JSON_WRITER_H_
#define MILLRACE_RPC_JSON_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace millrace {

bool IsUtf8(std::string_view text);

class JsonWriter {
 public:
  JsonWriter& OpenObject();
  JsonWriter& CloseObject();
  JsonWriter& OpenArray();
  JsonWriter& CloseArray();
  JsonWriter& Key(std::string_view name);

  JsonWriter& String(std::string_view value);
  JsonWriter& Number(uint64_t value);
  JsonWriter& SignedNumber(int64_t value);
  // Milliseconds as seconds with three decimals: 1900 is 1.900.
  JsonWriter& Seconds(uint64_t milliseconds);
  JsonWriter& Null();

  std::string Take() && { return std::move(text_); }

 private:
  // Writes the comma that a value or key needs before it, if it needs one.
  void Separate();
  JsonWriter& Raw(std::string_view value);
  void AppendQuoted(std::string_view value);

  std::string text_;
  bool first_ = true;  // nothing was written yet at this level
  bool after_key_ = false;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_JSON_WRITER_H_
