// A program that is several processes: the same work in each, tasks handed out by a counter in
// shared memory, and a barrier between two phases. No process may have threads.
#ifndef MILLRACE_TESTS_BENCH_FLOOR_PROCESSES_H_
#define MILLRACE_TESTS_BENCH_FLOOR_PROCESSES_H_

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

namespace floor_bench {

// Ends this process; `what` says what could not be done. errno says why.
[[noreturn]] inline void Die(const std::string& what) {
  std::fprintf(stderr, "floor: cannot %s: %s\n", what.c_str(), std::strerror(errno));
  std::_Exit(1);
}

// Zeroed memory of huge pages as far as there are any. Never freed: programs here end soon.
inline void* HugeMemory(size_t bytes, int sharing = MAP_PRIVATE) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) Die("get " + std::to_string(bytes) + " bytes of memory");
  if (sharing == MAP_PRIVATE) madvise(memory, bytes, MADV_HUGEPAGE);
  return memory;
}

// Memory that all processes see, when it was made before they were started.
template <typename T>
T* SharedArray(size_t count) {
  return static_cast<T*>(HugeMemory(count * sizeof(T) + 1, MAP_SHARED));
}

// What the processes of one program share.
class Phases {
 public:
  static Phases* Make(int processes) {
    return ::new (HugeMemory(sizeof(Phases), MAP_SHARED)) Phases(processes);
  }

  // Calls task(i) for those of 0 .. count-1 that no other process took.
  template <typename Task>
  void Map(int count, Task task) {
    for (int i; (i = next_map_++) < count;) task(i);
  }
  template <typename Task>
  void Reduce(int count, Task task) {
    for (int i; (i = next_reduce_++) < count;) task(i);
  }

  // Returns when all processes have come here.
  void WaitForAll() { pthread_barrier_wait(&barrier_); }

 private:
  explicit Phases(int processes) {
    pthread_barrierattr_t attributes;
    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&barrier_, &attributes, static_cast<unsigned>(processes));
  }

  std::atomic<int> next_map_{0};
  std::atomic<int> next_reduce_{0};
  pthread_barrier_t barrier_;
};

// Runs work() in each of so many processes; returns the exit code of the program.
template <typename Work>
int RunInProcesses(int processes, Work work) {
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) {
    children.push_back(fork());
    if (children.back() < 0) Die("fork");
    if (children.back() == 0) {
      work();
      std::_Exit(0);
    }
  }
  for (int i = 0; i < processes; ++i) {
    int status = 0;
    if (wait(&status) < 0) Die("wait for a process");
    if (status != 0) {  // the others would wait for it for ever
      for (const pid_t child : children) kill(child, SIGKILL);
      return 1;
    }
  }
  return 0;
}

}  // namespace floor_bench

#endif  // MILLRACE_TESTS_BENCH_FLOOR_PROCESSES_H_
