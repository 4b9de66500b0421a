// SHA-256, as 64 lower-case hexadecimal digits: the name of a job's binary.
#ifndef MILLRACE_RPC_SHA256_H_
#define MILLRACE_RPC_SHA256_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace {

std::string Sha256Hex(std::string_view bytes);

// Reads the whole file; blocks.
absl::StatusOr<std::string> Sha256HexOfFile(const std::string& path);

// Of bytes that arrive in pieces. One thread.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;

  void Update(std::string_view bytes);
  // Once, at the end.
  std::string FinishHex();

 private:
  void* context_;  // EVP_MD_CTX, kept out of this header
};

// Whether `text` is 64 lower-case hexadecimal digits.
bool IsSha256Hex(std::string_view text);

}  // namespace millrace

#endif  // MILLRACE_RPC_SHA256_H_
