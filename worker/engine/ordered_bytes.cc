#include "worker/engine/ordered_bytes.h"

#include <glog/logging.h>

namespace millrace {
namespace {

constexpr std::string_view kEnd("\0\x01", 2);
constexpr std::string_view kZero("\0\xff", 2);

}  // namespace

void AppendOrdered(std::string_view text, std::string* encoded) {
  for (size_t zero; (zero = text.find('\0')) != std::string_view::npos;) {
    encoded->append(text.substr(0, zero)).append(kZero);
    text.remove_prefix(zero + 1);
  }
  encoded->append(text).append(kEnd);
}

size_t OrderedSize(std::string_view encoded) {
  // A 00 of the text has FF behind it, so the first 00 01 is the end.
  const size_t end = encoded.find(kEnd);
  CHECK_NE(end, std::string_view::npos) << "an encoded key without an end";
  return end + kEnd.size();
}

void AppendDecoded(std::string_view encoded, std::string* text) {
  encoded.remove_suffix(kEnd.size());
  for (size_t zero; (zero = encoded.find('\0')) != std::string_view::npos;) {
    text->append(encoded.substr(0, zero + 1));
    encoded.remove_prefix(zero + kZero.size());
  }
  text->append(encoded);
}

}  // namespace millrace
