"""Runs a program and measures it: wall time from start to exit, anonymous memory of its children;
and what checksums cost."""

import ctypes
import json
import mmap
import os
import subprocess
import threading
import time

PAGE = 4096


def warm_memory(gib):
    """Touches `gib` GiB twice, so that the next program gets memory that the host has at hand.

    On a virtual machine, memory that was free for some seconds goes back to the host, and touching
    it again is 30 times slower: without this a benchmark compares how much memory programs use.
    """
    if gib <= 0:
        return
    for _ in range(2):
        with mmap.mmap(-1, gib << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
            if hasattr(mmap, "MADV_HUGEPAGE"):
                block.madvise(mmap.MADV_HUGEPAGE)
            for offset in range(0, len(block), PAGE):
                block[offset] = 1


def warm_cache(path):
    """Reads the file, or all files of the folder."""
    if os.path.isdir(path):
        for name in os.listdir(path):
            warm_cache(os.path.join(path, name))
        return
    with open(path, "rb") as file:
        while file.read(16 << 20):
            pass


def timed(arguments, **options):
    """Returns the seconds from start to exit. Raises with the program's last words if it fails."""
    start = time.perf_counter()
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} ended with exit code {done.returncode}:\n"
                           + done.stderr.decode(errors="replace")[-2000:])
    return seconds


def children_of(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += [int(child) for child in file.read().split()]
    except OSError:
        pass  # it has ended
    return found


def anonymous_bytes(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def is_executor(pid):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return b"MILLRACE_EXECUTOR_FD=" in file.read()
    except OSError:
        return False


def executor_memory(arguments):
    """Runs a job on a local cluster; returns the largest anonymous memory any executor had.

    Sampled every 2 ms, so a peak shorter than that may be missed.
    """
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak, done = 0, threading.Event()

    def sample():
        nonlocal peak
        while not done.wait(0.002):
            family = [process.pid]
            for pid in family:  # grows while it is walked: children, then theirs
                family += children_of(pid)
                if is_executor(pid):
                    peak = max(peak, anonymous_bytes(pid))

    sampler = threading.Thread(target=sample)
    sampler.start()
    code = process.wait()
    done.set()
    sampler.join()
    if code != 0:
        raise RuntimeError(f"{arguments[0]} ended with exit code {code}")
    return peak


def wait_for_ready(path, process, seconds=10):
    """Returns the address that a service wrote to its --ready_file."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if os.path.exists(path):  # complete as soon as it is there: it is put there by a rename
            with open(path, encoding="utf-8") as file:
                return json.load(file)["listen"]
        time.sleep(0.01)
    raise RuntimeError(f"no {path} after {seconds} s, exit code {process.poll()}")


def hash_speed():
    """Bytes that are hashed in a second of CPU time, from the cache, as blocks are."""
    library = ctypes.CDLL("libxxhash.so.0")
    library.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    data = bytes(range(256)) * 1024
    rounds = 4096
    before = time.thread_time()
    for _ in range(rounds):
        library.XXH3_64bits(data, len(data))
    return rounds * len(data) / (time.thread_time() - before)


def hashed_bytes(summary):
    """Of a job: a run's bytes are hashed when they are written and when they are read; a part's
    when they are written."""
    return 2 * summary["bytes"]["shuffled"] + summary["bytes"]["output"]
