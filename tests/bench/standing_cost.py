"""What being ready for faults costs where nothing fails: journal, heartbeats and checksums.

There is no Millrace without them to compare with. The journal is that of a running master, on a
disk, against the one in memory that a job's own cluster has; heartbeats are what a cluster with
nothing to do uses; checksums are the bytes that are hashed, at the speed of libxxhash.
"""

import ctypes
import json
import os
import shutil
import statistics
import tempfile
import time

import cluster
import measured_run
from nap_cluster import JOB, NapCluster, Run

CORES = os.cpu_count()
IDLE_S = 5


class WordCount(cluster.Cluster):
    """Counts the words of a text, with as many workers as there are cores."""

    def __init__(self, text, options):
        self.open()
        self.input = text
        self.output = os.path.join(options.folder, "output")
        self.scratch = os.path.join(options.folder, "scratch")
        os.makedirs(options.state_folder, exist_ok=True)
        self.state = tempfile.mkdtemp(dir=options.state_folder)
        self.clear()
        os.makedirs(self.scratch)
        measured_run.warm_cache(text)
        measured_run.warm_memory(options.warm_gib)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
        self.clear()
        shutil.rmtree(self.state)

    def clear(self):
        shutil.rmtree(self.output, ignore_errors=True)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def count(self, *flags):
        """The seconds are those from the first attempt's start to the job's end."""
        self.job(cluster.WORDCOUNT, "--input=" + self.input, "--output=" + self.output, *flags,
                 "--summary_json=" + self.path("summary"),
                 "--joblog=" + self.path("joblog")).finish()
        with open(self.path("summary"), encoding="utf-8") as file:
            summary = json.load(file)
        with open(self.path("joblog"), encoding="utf-8") as file:
            header, *lines = [line.split("\t") for line in file]
        first_s = min(float(line[header.index("started_s")]) for line in lines)
        return Run(summary["wall_s"] - first_s, summary)

    def without_journal(self):
        return self.count(f"--workers={CORES}", "--scratch_dir=" + self.scratch)

    def with_journal(self):
        master = self.master(f"--workers={CORES}", "--scratch_dir=" + self.scratch,
                             "--state_dir=" + self.state)
        self.workers_joined(master, CORES)
        run = self.count("--master=" + master.address)
        return run._replace(attempts=self.millrace(master, "attempts", JOB, "--json"))


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
    return total / 1e9


def heartbeat_share():
    """What a master and four workers with nothing to do use of all cores."""
    with NapCluster() as idle:
        pids = [idle.the_master.pid, *(worker.pid for worker in idle.workers.values())]
        began, before = time.monotonic(), cpu_seconds(pids)
        time.sleep(IDLE_S)
        return (cpu_seconds(pids) - before) / (time.monotonic() - began) / CORES


def hash_speed(text):
    """Bytes that are hashed in a second of CPU time, from the cache, as blocks are."""
    library = ctypes.CDLL("libxxhash.so.0")
    library.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    with open(text, "rb") as file:
        data = file.read(256 << 10)
    rounds = 4096
    before = time.thread_time()
    for _ in range(rounds):
        library.XXH3_64bits(data, len(data))
    return rounds * len(data) / (time.thread_time() - before)


def checksum_share(run, speed):
    """Of the CPU time of a job's attempts. Writing a run and reading it hash each byte twice, for
    its block and for its partition; a part is hashed once."""
    hashed = 4 * run.summary["bytes"]["shuffled"] + run.summary["bytes"]["output"]
    cpu_s = sum(attempt["stats"]["cpu_us"] for attempt in run.attempts) / 1e6
    return hashed / speed / cpu_s
