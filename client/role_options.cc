#include "client/role_options.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/strings.h"

namespace millrace {
namespace {

std::string Escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\') out += "\\\\";
    if (c == '\n') out += "\\n";
    if (c != '\\' && c != '\n') out += c;
  }
  return out;
}

std::string Unescaped(std::string_view value) {
  std::string out;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\\' || i + 1 == value.size()) {
      out += value[i];
      continue;
    }
    ++i;
    out += value[i] == 'n' ? '\n' : value[i];
  }
  return out;
}

}  // namespace

void RoleOptions::Set(std::string_view name, std::string_view value) {
  values_[std::string(name)] = std::string(value);
}

void RoleOptions::Set(std::string_view name, int64_t value) { Set(name, std::to_string(value)); }

std::string RoleOptions::Get(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? "" : found->second;
}

int64_t RoleOptions::GetNumber(std::string_view name, int64_t otherwise) const {
  int64_t number = 0;
  return absl::SimpleAtoi(Get(name), &number) ? number : otherwise;
}

std::string RoleOptions::Encode() const {
  std::string text;
  for (const auto& [name, value] : values_) absl::StrAppend(&text, name, "=", Escaped(value), "\n");
  return text;
}

absl::StatusOr<RoleOptions> RoleOptions::Decode(std::string_view text) {
  RoleOptions options;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const size_t equals = line.find('=');
    if (end == std::string_view::npos || equals == std::string_view::npos || equals == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("role options: '", ToAbsl(line), "' is not a line name=value"));
    }
    options.Set(line.substr(0, equals), Unescaped(line.substr(equals + 1)));
    text.remove_prefix(end + 1);
  }
  return options;
}

}  // namespace millrace
