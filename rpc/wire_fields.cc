#include "rpc/wire_fields.h"

#include <algorithm>

#include "mapreduce/strings.h"
#include "rpc/address.h"
#include "rpc/wire.h"
#include "rpc/worker_name.h"

namespace millrace {

void FieldReader::Refuse(const char* field, std::string_view problem) {
  if (!status_.ok()) return;
  status_ = absl::InvalidArgumentError(absl::StrCat(field, ": ", ToAbsl(problem)));
}

bool FieldReader::Require(bool holds, const char* field, std::string_view problem) {
  if (!holds) Refuse(field, problem);
  return holds;
}

std::string FieldReader::Text(const char* field, capnp::Text::Reader in, size_t max_bytes) {
  if (!Require(in.size() <= max_bytes, field, "too long")) return "";
  std::string text(in.begin(), in.size());
  if (!Require(text.find('\0') == std::string::npos, field, "a NUL inside")) return "";
  return text;
}

std::string FieldReader::SomeText(const char* field, capnp::Text::Reader in, size_t max_bytes) {
  Require(in.size() > 0, field, "missing");
  return Text(field, in, max_bytes);
}

std::string FieldReader::Line(const char* field, capnp::Text::Reader in, size_t max_bytes) {
  std::string line = Text(field, in, max_bytes);
  const bool clean =
      std::none_of(line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
  Require(clean, field, "a control character inside");
  return line;
}

std::string FieldReader::Path(const char* field, capnp::Text::Reader in) {
  std::string path = SomeText(field, in, kMaxPathBytes);
  Require(!path.empty() && path.front() == '/', field, "no absolute path");
  return path;
}

std::string FieldReader::FileName(const char* field, capnp::Text::Reader in) {
  std::string name = SomeText(field, in, kMaxNameBytes);
  Require(name != "." && name != ".." && name.find('/') == std::string::npos, field,
          "no file name");
  return name;
}

std::string FieldReader::WorkerName(const char* field, capnp::Text::Reader in) {
  std::string name(in.begin(), std::min(in.size(), kMaxNameBytes));
  const absl::Status valid = CheckWorkerName(name);
  if (!valid.ok()) Refuse(field, ToStd(valid.message()));
  return name;
}

std::string FieldReader::Address(const char* field, capnp::Text::Reader in) {
  std::string text = SomeText(field, in, kMaxPathBytes);
  absl::StatusOr<HostPort> address = ParseHostPort(text, PortZero::kRefused);
  if (!address.ok()) Refuse(field, ToStd(address.status().message()));
  return text;
}

std::vector<std::string> FieldReader::Arguments(const char* field,
                                                capnp::List<capnp::Text>::Reader in) {
  std::vector<std::string> texts;
  if (!Require(in.size() <= kMaxArguments, field, "too many elements")) return texts;
  size_t left = kMaxArgumentBytes;
  for (capnp::Text::Reader element : in) {
    if (!status_.ok()) break;
    texts.push_back(Text(field, element, left));
    left -= texts.back().size();
  }
  return texts;
}

std::vector<std::string> FieldReader::Environment(const char* field,
                                                  capnp::List<capnp::Text>::Reader in) {
  std::vector<std::string> variables = Arguments(field, in);
  for (const std::string& variable : variables) {
    const size_t equals = variable.find('=');
    Require(equals != std::string::npos && equals > 0, field, "an element is not NAME=value");
  }
  return variables;
}

std::map<std::string, int64_t> FieldReader::Counters(
    const char* field, capnp::List<capnp_types::CounterValue>::Reader in) {
  std::map<std::string, int64_t> counters;
  if (!Require(in.size() <= kMaxCounterNames, field, "too many elements")) return counters;
  for (auto element : in) {
    std::string name = SomeText(field, element.getName(), kMaxCounterNameBytes);
    // Names that were cut may have become equal. Unsigned, because sums may wrap.
    int64_t& sum = counters[std::move(name)];
    sum = static_cast<int64_t>(static_cast<uint64_t>(sum) +
                               static_cast<uint64_t>(element.getValue()));
  }
  return counters;
}

uint32_t FieldReader::Number(const char* field, uint32_t value, uint32_t min, uint32_t max) {
  if (value < min || value > max) {
    Refuse(field, absl::StrCat(value, " is not from ", min, " to ", max));
  }
  return value;
}

std::string Clip(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  size_t end = max_bytes;
  // Bytes 10xxxxxx continue a UTF-8 character, which has at most four bytes.
  for (int i = 0; i < 3 && end > 0 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80; ++i) --end;
  return std::string(text.substr(0, end));
}

std::string ClipMessage(std::string_view text) {
  std::string clipped = Clip(text, kMaxMessageTextBytes);
  std::replace(clipped.begin(), clipped.end(), '\0', '?');
  return clipped;
}

void WriteTexts(const std::vector<std::string>& texts, capnp::List<capnp::Text>::Builder out) {
  for (size_t i = 0; i < texts.size(); ++i) out.set(static_cast<capnp::uint>(i), ToText(texts[i]));
}

size_t CountersToWrite(const std::map<std::string, int64_t>& counters) {
  return std::min(counters.size(), kMaxCounterNames);
}

void WriteCounters(const std::map<std::string, int64_t>& counters,
                   capnp::List<capnp_types::CounterValue>::Builder out) {
  auto counter = counters.begin();
  for (auto element : out) {
    element.setName(ToText(Clip(counter->first, kMaxCounterNameBytes)));
    element.setValue(counter->second);
    ++counter;
  }
}

}  // namespace millrace
