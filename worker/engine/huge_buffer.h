// A block of memory straight from the kernel: zero at first, touched page by page as it is used,
// with huge pages where they pay. Growing keeps nothing; letting go gives the memory back.
//
// One thread.
#ifndef MILLRACE_WORKER_ENGINE_HUGE_BUFFER_H_
#define MILLRACE_WORKER_ENGINE_HUGE_BUFFER_H_

#include <cstddef>
#include <utility>

namespace millrace {

class HugeBuffer {
 public:
  HugeBuffer() = default;
  // Dies when the kernel refuses: the memory limit was agreed on before.
  explicit HugeBuffer(size_t bytes);
  ~HugeBuffer();
  HugeBuffer(HugeBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  HugeBuffer& operator=(HugeBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  size_t size() const { return size_; }

  // Makes room for at least `bytes`, and a little more, because the next caller will want about as
  // much; what was inside is lost if it has to grow.
  void EnsureSize(size_t bytes) {
    if (bytes > size_) *this = HugeBuffer(bytes + bytes / 8);
  }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_WORKER_ENGINE_HUGE_BUFFER_H_
