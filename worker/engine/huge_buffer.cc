#include "worker/engine/huge_buffer.h"

#include <glog/logging.h>
#include <sys/mman.h>

namespace millrace {
namespace {

constexpr size_t kPage = 4 << 10;
constexpr size_t kHugePage = 2 << 20;

}  // namespace

HugeBuffer::HugeBuffer(size_t bytes) {
  if (bytes == 0) return;
  size_ = (bytes + kPage - 1) / kPage * kPage;
  data_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
               -1, 0);
  PCHECK(data_ != MAP_FAILED) << "no memory for " << size_ << " bytes";
  // Only a hint; below two huge pages it would waste more than it saves.
  if (size_ >= 2 * kHugePage) madvise(data_, size_, MADV_HUGEPAGE);
}

HugeBuffer::~HugeBuffer() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace millrace
