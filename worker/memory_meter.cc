#include "worker/memory_meter.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace millrace {

uint64_t AnonymousBytes() {
  const int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char buffer[4096];
  const ssize_t length = read(fd, buffer, sizeof(buffer));
  close(fd);
  if (length <= 0) return 0;
  return BytesInStatus(std::string_view(buffer, length), "RssAnon");
}

uint64_t BytesInStatus(std::string_view status, std::string_view name) {
  const std::string label = "\n" + std::string(name) + ":";
  const size_t at = status.find(label);
  if (at == std::string_view::npos) return 0;
  const std::string rest(status.substr(at + label.size(), 64));
  return std::strtoull(rest.c_str(), nullptr, 10) << 10;
}

}  // namespace millrace
