"""Real masters, workers and jobs for tests, and the oracle that their output is compared with.

A test derives from ClusterTest, a script from Cluster. It writes input with `self.text`, starts
processes with `self.master`, `self.worker` and `self.job`, and never sleeps: readiness is announced
by ready files (watched with inotify), and a running attempt is met at a FIFO (`Gate`). When a test
ends, whatever it started is killed, and processes that Millrace left behind fail it.
"""

import ctypes
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unicodedata
import unittest

DEADLINE_S = 60  # of every wait; reached only when something is broken

MASTER = os.path.abspath("master/master")
WORKER = os.path.abspath("worker/worker")
INDEX = os.path.abspath("apps/inverted_index/inverted_index")
JOIN = os.path.abspath("apps/join/join")
MILLRACE = os.path.abspath("client/millrace")
WORDCOUNT = os.path.abspath("apps/wordcount/wordcount")
GREP = os.path.abspath("apps/grep/grep")
SORT = os.path.abspath("apps/sort/sort")
TOP_K = os.path.abspath("apps/top_k/top_k")
STREAMING = os.path.abspath("apps/streaming/streaming")
RELAY = os.path.abspath("tests/jobs/relay")
UNRULY = os.path.abspath("tests/jobs/unruly")


def fields(data):
    """The words of `data` (bytes) as --tokens=fields sees them."""
    return re.findall(rb"[^ \t\n\v\f\r]+", data)


def letters(data):
    """The words of `data` as --tokens=letters sees them; Python's own decoder and tables."""
    words, current = [], []
    for ch in data.decode("utf-8", errors="surrogateescape"):
        if not ("\udc80" <= ch <= "\udcff") and unicodedata.category(ch)[0] == "L":
            current.append(ch)
        elif current:
            words.append("".join(current).encode())
            current = []
    if current:
        words.append("".join(current).encode())
    return words


def count(paths, tokens=fields):
    """{word: count} over the files, one at a time: the sequential oracle."""
    counts = {}
    for path in paths:
        with open(path, "rb") as f:
            for word in tokens(f.read()):
                counts[word] = counts.get(word, 0) + 1
    return counts


def part_names(folder):
    return sorted(name for name in os.listdir(folder) if name.startswith("part-"))


def read_output(folder, listed=()):
    """{key: value} of a finished output; checks what every output promises, and that beside parts
    and manifest there is nothing but `listed`."""
    names = part_names(folder)
    with open(os.path.join(folder, "_SUCCESS")) as f:
        manifest = json.load(f)
    assert [part["name"] for part in manifest["parts"]] == names, manifest
    expected = sorted([*names, *listed, "_SUCCESS"])
    assert sorted(os.listdir(folder)) == expected, os.listdir(folder)
    result = {}
    for part, index in zip(manifest["parts"], range(len(names))):
        assert part["name"] == "part-%05d-of-%05d" % (index, len(names)), part
        with open(os.path.join(folder, part["name"]), "rb") as f:
            content = f.read()
        assert len(content) == part["bytes"], part
        keys = []
        for line in content.split(b"\n")[:-1]:
            key, value = line.split(b"\t", 1)
            keys.append(key)
            assert key not in result, key
            result[key] = int(value)
        assert keys == sorted(keys), "keys of %s are not in byte order" % part["name"]
    return result


def look_until(what, look, is_so, seconds=DEADLINE_S):
    """Looks again and again, which takes a while by itself; returns what it saw when that is so."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if is_so(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError("waited %g s in vain until %s; last seen: %s" %
                                 (seconds, what, seen))


RENAMED, WRITTEN = 0x80, 0x02  # of <sys/inotify.h>


class Watch:
    """Waits with inotify until something happens in a folder."""

    def __init__(self, folder, events):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_CLOEXEC)
        assert libc.inotify_add_watch(self.fd, folder.encode(), events) >= 0

    def __del__(self):
        os.close(self.fd)

    def wait(self):
        """Returns at the next event, or after half a second, to look whether all are alive."""
        ready, _, _ = select.select([self.fd], [], [], 0.5)
        if ready:
            os.read(self.fd, 4096)

    def wait_for(self, path, process):
        """Waits for the file and returns the JSON in it."""
        deadline = time.monotonic() + DEADLINE_S
        while not os.path.exists(path):
            if process.poll() is not None:
                raise AssertionError("process ended with %d before it was ready:\n%s" %
                                     (process.returncode, process.said()))
            if time.monotonic() > deadline:
                raise AssertionError("%s did not write %s within %g s; it said:\n%s" % (
                    process.args[0], path, DEADLINE_S, process.said()))
            self.wait()
        with open(path) as f:
            return json.load(f)


class Gate:
    """A FIFO at which an attempt of //tests/jobs:unruly waits for the test, and the test for it."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path = path
        self.word = "!gate:" + path

    def meet(self):
        """Returns once an attempt stands at the gate; `open` lets it go on."""
        self.fd = os.open(self.path, os.O_WRONLY)  # blocks until a reader is there

    def open(self):
        """Lets the attempts at the gate, and later ones, pass."""
        os.rename(self.path, self.path + ".open")  # a later attempt finds no gate
        os.close(self.fd)


class Process(subprocess.Popen):
    """A child whose standard output and error go to files."""

    def __init__(self, argv, log, **kwargs):
        self.log_path = log
        with open(log + ".out", "wb") as out, open(log + ".err", "wb") as err:
            super().__init__(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, **kwargs)

    def output(self):
        with open(self.log_path + ".out", errors="replace") as f:
            return f.read()

    def said(self):
        with open(self.log_path + ".err", errors="replace") as f:
            return f.read()

    def wait_to_say(self, pattern):
        """Waits until standard error matches the regular expression."""
        watch = Watch(os.path.dirname(self.log_path), WRITTEN)
        deadline = time.monotonic() + DEADLINE_S
        while not re.search(pattern, self.said()):
            assert self.poll() is None, "it ended without saying %s:\n%s" % (pattern, self.said())
            assert time.monotonic() < deadline, "it did not say %s:\n%s" % (pattern, self.said())
            watch.wait()

    def finish(self, code=0):
        """Waits for the end and checks the exit code; returns self."""
        got = self.wait(DEADLINE_S)
        assert got == code, "exit code %d, not %d\n%s" % (got, code, self.said())
        return self


class Cluster:
    """Processes that know each other, their folder, and the ways to start and ask them."""

    access = ()  # flags that every program needs to get in

    def open(self):
        # Short, because sockets' paths have 108 bytes at most.
        self.folder = tempfile.mkdtemp(prefix="mr", dir="/tmp")
        self.tmp = self.path("tmp")
        os.mkdir(self.tmp)
        self.environment = dict(os.environ, TMPDIR=self.tmp, XDG_STATE_HOME=self.path("state"))
        self.processes = []

    def close(self):
        """Ends and removes everything; returns what had to be killed, {pid: command line}."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGCONT)  # one that is stopped would not hear of it
        for process in self.processes:
            try:
                process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        left = self.left_behind()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder)
        return left

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def left_behind(self):
        """{pid: command line} of processes that carry this test's environment."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as f:
                    environment = f.read()
                with open("/proc/%s/cmdline" % pid, "rb") as f:
                    line = f.read()
            except OSError:
                continue
            if self.folder.encode() in environment and int(pid) != os.getpid() and line:
                found[int(pid)] = line.replace(b"\0", b" ").decode()
        return found

    def text(self, name, content):
        """Writes an input file and returns its path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
        return path

    def start(self, name, argv, **kwargs):
        number = len(self.processes)
        kwargs.setdefault("env", self.environment)
        kwargs.setdefault("cwd", self.folder)
        process = Process(argv, self.path("%02d-%s" % (number, name)), **kwargs)
        self.processes.append(process)
        return process

    def start_ready(self, name, argv, **kwargs):
        """Starts a process that takes --ready_file, waits for it, and keeps what it announced."""
        ready = self.path("ready-%02d" % len(self.processes))
        watch = Watch(self.folder, RENAMED)
        process = self.start(name, argv + ["--ready_file=" + ready], **kwargs)
        process.ready = watch.wait_for(ready, process)
        return process

    def master(self, *flags, **kwargs):
        state = "--state_dir=" + self.path("state-%02d" % len(self.processes))
        flags = list(flags) if any(f.startswith("--state_dir") for f in flags) else [state, *flags]
        flags += self.access
        if not any(f.startswith("--listen") for f in flags):
            flags.append("--listen=127.0.0.1:0")
        process = self.start_ready("master", [MASTER] + flags, **kwargs)
        process.address = process.ready["listen"]
        return process

    def worker(self, *flags, **kwargs):
        flags = list(flags)
        if not any(f.startswith("--scratch_dir") for f in flags):
            flags.append("--scratch_dir=" + self.path("scratch-%02d" % len(self.processes)))
        return self.start_ready("worker", [WORKER, *self.access] + flags, **kwargs)

    def job(self, binary, *flags, **kwargs):
        """Starts a job; `finish(code)` waits for its end."""
        return self.start("job", [binary, "--progress=none", *self.access, *flags], **kwargs)

    def millrace(self, master, *arguments, code=0):
        """Runs the control command; returns its standard output, parsed if it is JSON."""
        process = self.start("millrace", [MILLRACE, "--master=" + master.address, *self.access,
                                          *arguments])
        out = process.finish(code).output()
        return json.loads(out) if "--json" in arguments else out

    def workers_joined(self, master, number):
        """Waits until `number` workers have registered; returns what the master says of them."""
        return look_until("%d workers have joined" % number,
                          lambda: self.millrace(master, "workers", "--json"),
                          lambda workers: len(workers) >= number)


class ClusterTest(Cluster, unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        self.open()

    def tearDown(self):
        self.assertEqual(self.close(), {}, "processes were left behind")


def main():
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
