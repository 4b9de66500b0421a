"""What being ready for faults costs where nothing fails: journal, heartbeats and checksums.

There is no Millrace without them to compare with. The journal is that of a running master, on a
disk: what its thread uses, and how long the job's end waits when no attempt runs any more (before
that nothing waits for it: attempts are launched before the journal is synced). The time against a
job with a cluster of its own, which has its journal in memory, is shown beside it: two runs differ
by more than the journal costs, and a running cluster has the job's binary to fetch, too. Heartbeats
are what a cluster with nothing to do uses; checksums are the bytes that are hashed, at the speed of
libxxhash.
"""

import json
import os
import shutil
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
        """The seconds are those from the first attempt's start to the job's end; the note, those of
        them after the last attempt."""
        self.job(cluster.WORDCOUNT, "--input=" + self.input, "--output=" + self.output, *flags,
                 "--summary_json=" + self.path("summary"),
                 "--joblog=" + self.path("joblog")).finish()
        with open(self.path("summary"), encoding="utf-8") as file:
            summary = json.load(file)
        with open(self.path("joblog"), encoding="utf-8") as file:
            header, *lines = [line.split("\t") for line in file]
        began = [float(line[header.index("started_s")]) for line in lines]
        took = [float(line[header.index("seconds")]) for line in lines]
        last_s = max(map(sum, zip(began, took)))
        return Run(summary["wall_s"] - min(began), summary, notes=summary["wall_s"] - last_s)

    def without_journal(self):
        return self.count(f"--workers={CORES}", "--scratch_dir=" + self.scratch)

    def with_journal(self):
        master = self.master(f"--workers={CORES}", "--scratch_dir=" + self.scratch,
                             "--state_dir=" + self.state)
        self.workers_joined(master, CORES)
        before = io_cpu_seconds(master.pid)
        run = self.count("--master=" + master.address)
        attempts = self.millrace(master, "attempts", JOB, "--json")
        used = io_cpu_seconds(master.pid) - before
        share = used / cpu_of(attempts) + max(0.0, run.notes) / run.seconds
        return run._replace(attempts=attempts, notes=share)


def cpu_of(attempts):
    return sum(attempt["stats"]["cpu_us"] for attempt in attempts) / 1e6


def cpu_seconds(pids, counts=lambda pid, thread: True):
    total = 0
    for pid in pids:
        for thread in filter(lambda thread: counts(pid, int(thread)), os.listdir(f"/proc/{pid}/task")):
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
    return total / 1e9


def io_cpu_seconds(pid):
    """Of the threads that write the journal, and files: all but the first."""
    return cpu_seconds([pid], lambda pid, thread: thread != pid)


def heartbeat_share():
    """What a master and four workers with nothing to do use of all cores."""
    with NapCluster() as idle:
        pids = [idle.the_master.pid, *(worker.pid for worker in idle.workers.values())]
        began, before = time.monotonic(), cpu_seconds(pids)
        time.sleep(IDLE_S)
        return (cpu_seconds(pids) - before) / (time.monotonic() - began) / CORES


def checksum_share(run, speed):
    """Of the CPU time of a job's attempts."""
    return measured_run.hashed_bytes(run.summary) / speed / cpu_of(run.attempts)
