// Files as plain system calls; what fails ends the process.
#ifndef MILLRACE_TESTS_BENCH_FLOOR_FILES_H_
#define MILLRACE_TESTS_BENCH_FLOOR_FILES_H_

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "tests/bench/floor/processes.h"

namespace floor_bench {

class File {
 public:
  static File ForReading(const std::string& path) { return File(path, O_RDONLY); }
  static File ForWriting(const std::string& path) { return File(path, O_RDWR | O_CREAT | O_TRUNC); }
  File() = default;
  File(File&& other) noexcept : path_(std::move(other.path_)), fd_(other.fd_) { other.fd_ = -1; }
  File& operator=(File&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~File() {
    if (fd_ >= 0) close(fd_);
  }

  uint64_t Size() const {
    struct stat about;
    if (fstat(fd_, &about) != 0) Die("look at " + path_);
    return static_cast<uint64_t>(about.st_size);
  }

  // Returns how much was read: less than `size` only at the end of the file.
  size_t ReadAt(uint64_t offset, void* to, size_t size) const {
    size_t done = 0;
    while (done < size) {
      const ssize_t got =
          pread(fd_, static_cast<char*>(to) + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0) Die("read " + path_);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  void Append(const void* data, size_t size) {
    for (size_t done = 0; done < size;) {
      const ssize_t wrote = write(fd_, static_cast<const char*>(data) + done, size - done);
      if (wrote < 0) Die("write " + path_);
      done += static_cast<size_t>(wrote);
    }
  }

  const std::string& path() const { return path_; }

 private:
  File(const std::string& path, int flags)
      : path_(path), fd_(open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (fd_ < 0) Die("open " + path);
  }

  std::string path_;
  int fd_ = -1;
};

inline void MakeFolder(const std::string& path) {
  if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) Die("make the folder " + path);
}

// FOLDER/NAME-00003
inline std::string Numbered(const std::string& folder, const char* name, int number) {
  char text[32];
  std::snprintf(text, sizeof(text), "/%s-%05d", name, number);
  return folder + text;
}

// A part of the output: text that is appended to a file in large pieces.
class PartWriter {
 public:
  explicit PartWriter(const std::string& path)
      : file_(File::ForWriting(path)), buffer_(kPiece, '\0') {}
  ~PartWriter() { file_.Append(buffer_.data(), size_); }

  // Makes room for `size` bytes, at which the caller may then write at end(), and Extend().
  void Reserve(size_t size) {
    if (buffer_.size() - size_ >= size) return;
    file_.Append(buffer_.data(), size_);
    size_ = 0;
    if (buffer_.size() < size) buffer_.resize(size);
  }
  char* end() { return buffer_.data() + size_; }
  void Extend(size_t size) { size_ += size; }

  void Append(std::string_view text) {
    Reserve(text.size());
    std::memcpy(end(), text.data(), text.size());
    Extend(text.size());
  }

 private:
  static constexpr size_t kPiece = 256 << 10;  // stays in L2 until the kernel has copied it

  File file_;
  std::string buffer_;
  size_t size_ = 0;
};

// Writes the decimal digits of `number` and returns their end.
inline char* WriteNumber(char* to, uint64_t number) {
  if (number < 10) {
    *to = static_cast<char>('0' + number);
    return to + 1;
  }
  char digits[20];
  char* first = digits + sizeof(digits);
  for (; number != 0; number /= 10) *--first = static_cast<char>('0' + number % 10);
  const size_t count = static_cast<size_t>(digits + sizeof(digits) - first);
  std::memcpy(to, first, count);
  return to + count;
}

}  // namespace floor_bench

#endif  // MILLRACE_TESTS_BENCH_FLOOR_FILES_H_
