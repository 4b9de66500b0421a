#include "rpc/host_id.h"

#include <sys/random.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>

namespace millrace {
namespace {

std::string BootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

// "mnt:[4026531841]".
std::string MountNamespace() {
  char target[64];
  const ssize_t length = readlink("/proc/self/ns/mnt", target, sizeof(target));
  return length > 0 ? std::string(target, static_cast<size_t>(length)) : std::string();
}

std::string RandomId() {
  uint64_t bits[2] = {};
  if (getrandom(bits, sizeof(bits), 0) != sizeof(bits)) bits[0] = static_cast<uint64_t>(getpid());
  char text[48];
  std::snprintf(text, sizeof(text), "unknown-%016llx%016llx",
                static_cast<unsigned long long>(bits[0]), static_cast<unsigned long long>(bits[1]));
  return text;
}

}  // namespace

std::string HostId() {
  static const std::string id = []() {
    const std::string boot = BootId();
    const std::string mounts = MountNamespace();
    return boot.empty() || mounts.empty() ? RandomId() : boot + "/" + mounts;
  }();
  return id;
}

}  // namespace millrace
