// The digest of a list of fields: of their order, their number and their bytes, so that no two
// lists are taken for each other. One thread.
//
//   FieldsDigest digest;
//   digest.Add(path);
//   digest.Add(size);
//   return digest.Finish();
#ifndef MILLRACE_STORAGE_FIELDS_DIGEST_H_
#define MILLRACE_STORAGE_FIELDS_DIGEST_H_

#include <cstdint>
#include <string_view>

#include "storage/digest.h"

namespace millrace {

class FieldsDigest {
 public:
  void Add(uint64_t number) {
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(number >> (8 * i));
    stream_.Update(std::string_view(bytes, sizeof(bytes)));
  }
  // Its length comes first.
  void Add(std::string_view text) {
    Add(uint64_t{text.size()});
    stream_.Update(text);
  }
  void Add(const Digest& digest) {
    Add(digest.high);
    Add(digest.low);
  }

  Digest Finish() const { return stream_.Finish(); }

 private:
  DigestStream stream_;
};

}  // namespace millrace

#endif  // MILLRACE_STORAGE_FIELDS_DIGEST_H_
