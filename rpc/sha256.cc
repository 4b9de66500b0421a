#include "rpc/sha256.h"

#include <fcntl.h>
#include <glog/logging.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

constexpr size_t kChunkBytes = 1u << 20;

std::string ToHex(const unsigned char* bytes, size_t count) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * count);
  for (size_t i = 0; i < count; ++i) {
    hex.push_back(kDigits[bytes[i] >> 4]);
    hex.push_back(kDigits[bytes[i] & 15]);
  }
  return hex;
}

// Closes a descriptor when it goes.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (fd_ >= 0) close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  bool is_open() const { return fd_ >= 0; }

  // 0 at the end, -1 with errno on failure.
  ssize_t Read(char* buffer, size_t size) {
    ssize_t count;
    do {
      count = read(fd_, buffer, size);
    } while (count < 0 && errno == EINTR);
    return count;
  }

 private:
  const int fd_;
};

EVP_MD_CTX* Context(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  CHECK(context_ != nullptr);
  CHECK_EQ(EVP_DigestInit_ex(Context(context_), EVP_sha256(), nullptr), 1);
}

Sha256Stream::~Sha256Stream() { EVP_MD_CTX_free(Context(context_)); }

void Sha256Stream::Update(std::string_view bytes) {
  CHECK_EQ(EVP_DigestUpdate(Context(context_), bytes.data(), bytes.size()), 1);
}

std::string Sha256Stream::FinishHex() {
  unsigned char digest[32];
  unsigned int length = 0;
  CHECK_EQ(EVP_DigestFinal_ex(Context(context_), digest, &length), 1);
  CHECK_EQ(length, sizeof(digest));
  return ToHex(digest, length);
}

std::string Sha256Hex(std::string_view bytes) {
  Sha256Stream stream;
  stream.Update(bytes);
  return stream.FinishHex();
}

absl::StatusOr<std::string> Sha256HexOfFile(const std::string& path) {
  OpenFile file(path);
  if (!file.is_open()) {
    return absl::NotFoundError(absl::StrCat("cannot open ", path, ": ", strerror(errno)));
  }
  Sha256Stream stream;
  std::vector<char> buffer(kChunkBytes);
  for (;;) {
    const ssize_t count = file.Read(buffer.data(), buffer.size());
    if (count < 0) {
      return absl::InternalError(absl::StrCat("cannot read ", path, ": ", strerror(errno)));
    }
    if (count == 0) return stream.FinishHex();
    stream.Update(std::string_view(buffer.data(), static_cast<size_t>(count)));
  }
}

bool IsSha256Hex(std::string_view text) {
  if (text.size() != 64) return false;
  for (char c : text) {
    if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) return false;
  }
  return true;
}

}  // namespace millrace
