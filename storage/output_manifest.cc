#include "storage/output_manifest.h"

#include <cstdio>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      quoted.append("\\").push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      snprintf(escape, sizeof(escape), "\\u%04x", c);
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

// A quote inside a string is escaped, so this text can only be the field itself.
std::string JobField(std::string_view job_key) {
  return absl::StrCat("\"job\": ", Quoted(job_key), ",");
}

}  // namespace

std::string ToJson(const OutputManifest& manifest) {
  uint64_t bytes = 0;
  for (const ManifestPart& part : manifest.parts) bytes += part.bytes;
  std::string json = absl::StrCat("{\n  \"format\": 1,\n  ", JobField(manifest.job_key),
                                  "\n  \"name\": ", Quoted(manifest.job_name),
                                  ",\n  \"bytes\": ", bytes, ",\n  \"parts\": [");
  const char* separator = "\n";
  for (const ManifestPart& part : manifest.parts) {
    absl::StrAppend(&json, separator, "    {\"name\": ", Quoted(part.name),
                    ", \"bytes\": ", part.bytes, ", \"digest\": \"", part.digest.ToHex(), "\"}");
    separator = ",\n";
  }
  return json + "\n  ]\n}\n";
}

bool IsManifestOf(std::string_view json, std::string_view job_key) {
  return json.find(JobField(job_key)) != json.npos;
}

// Keys have nothing that is escaped.
std::string JobKeyIn(std::string_view json) {
  constexpr std::string_view kField = "\"job\": \"";
  const size_t field = json.find(kField);
  if (field == json.npos) return "";
  json.remove_prefix(field + kField.size());
  return std::string(json.substr(0, json.find('"')));
}

}  // namespace millrace
