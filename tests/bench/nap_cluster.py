"""A master, four workers with one slot each, and a job of naps that something disturbs.

User code naps (//tests/jobs:unruly) instead of working: four workers then get on as if each had a
core, whatever this machine has, and what a fault costs is neither hidden by cores that are free
again nor made larger by a busy machine.
"""

import collections
import json
import os
import signal
import subprocess
import threading
import time

import cluster
import measured_run

JOB = "job-1"
WORKERS, VICTIM = ("w1", "w2", "w3", "w4"), "w2"
PATIENCE_S = 600  # for the end of a job
AT_WORK_S = 120   # for the share of its tasks that is awaited before something disturbs it
MIB = 1 << 20

# Each map naps `naps` times `nap_ms`; its progress shows after each nap.
Naps = collections.namedtuple("Naps", "maps naps nap_ms reducers flags",
                              defaults=(4, ("--speculation=off",)))
# `notes` are those of what disturbed it.
Run = collections.namedtuple("Run", "seconds summary attempts notes", defaults=((), None))


class NapCluster(cluster.Cluster):
    """Started by `with`, ended after it."""

    def __init__(self, lease_s=10, failpoints=""):
        self.open()
        self.environment["MILLRACE_FAILPOINT"] = failpoints
        self.flags = ["--state_dir=" + self.path("state"), "--lease=%ds" % lease_s]
        self.workers = {}

    def __enter__(self):
        try:
            self.the_master = self.master(*self.flags)
            for name in WORKERS:
                self.workers[name] = self.worker("--master=" + self.the_master.address,
                                                 "--slots=1", "--name=" + name)
            self.workers_joined(self.the_master, len(WORKERS))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error):
        for worker in self.workers.values():
            signal_all(family_of(worker.pid), signal.SIGCONT)
        self.close()

    # ---- The job ----

    def run(self, work, disturb=None):
        """Runs the job; `disturb(self)` is called when it was started, and returns notes."""
        self.write_input(work)
        began = time.monotonic()
        self.running = self.job(cluster.UNRULY, "--master=" + self.the_master.address,
                                "--input=" + self.path("in"), "--output=" + self.path("out"),
                                "--reducers=%d" % work.reducers, "--split_mb=%d" % work.naps,
                                "--summary_json=" + self.path("summary"), *work.flags)
        notes = disturb(self) if disturb else None
        self.wait_for_end()
        seconds = time.monotonic() - began
        self.running.finish()
        self.check_output(work)
        with open(self.path("summary"), encoding="utf-8") as file:
            return Run(seconds, json.load(file), self.ask("attempts", JOB), notes)

    def wait_for_end(self):
        try:
            self.running.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"waited {PATIENCE_S} s in vain for the job's end; last seen: "
                               f"{self.ask('jobs')}") from None

    def write_input(self, work):
        """One file for each map, of lines that are as long as what a map reads at a time."""
        line = b"word !nap:%d !" % work.nap_ms
        first = self.text("in/0", (line.ljust(MIB - 1, b"x") + b"\n") * work.naps)
        with open(first, "rb") as file:
            os.fsync(file)  # else the journal's sync may have to wait for it
        for number in range(1, work.maps):
            os.link(first, self.path("in", str(number)))

    def check_output(self, work):
        got, want = cluster.read_output(self.path("out")), {b"word": work.maps * work.naps}
        if got != want:
            raise RuntimeError(f"the output is wrong: {got}, not {want}")

    # ---- For those who disturb it ----

    def ask(self, *verb):
        return self.millrace(self.the_master, *verb, "--json")

    def until_done(self, share, kind):
        """Waits until that share of the tasks of a kind is done."""
        cluster.look_until("%g of the %ss are done" % (share, kind), lambda: self.stage(kind),
                           lambda stage: stage and stage["done"] >= max(1, share * stage["total"]),
                           AT_WORK_S)

    def stage(self, kind):
        """What the master says of that stage of the job, which must not have ended; None at first.
        Takes a while: each look is a process of its own."""
        if self.running.poll() is not None:
            raise RuntimeError("the job ended with exit code %d before anything disturbed it:\n%s" %
                               (self.running.returncode, self.running.said()))
        time.sleep(0.2)
        stages = [stage for job in self.ask("jobs") for stage in job["stages"]]
        return next((stage for stage in stages if stage["kind"] == kind), None)

    def state(self, worker):
        """What the master takes the worker for; None if it does not know it."""
        return {w["name"]: w["state"] for w in self.ask("workers")}.get(worker)

    def restart_master(self):
        address = self.the_master.address
        self.the_master.kill()
        self.the_master.wait()
        self.the_master = self.master("--listen=" + address, *self.flags)

    def stop(self, worker):
        signal_all(family_of(self.workers[worker].pid), signal.SIGSTOP)


class Slowed:
    """Lets a process and its descendants run for a tenth of the time, in short turns."""

    TURN_S, TIMES = 0.02, 10

    def __init__(self, pid):
        self.pid = pid
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.take_turns)

    def take_turns(self):
        while not self.ended.is_set():
            began = time.monotonic()
            time.sleep(self.TURN_S)
            family = family_of(self.pid)
            signal_all(family, signal.SIGSTOP)
            self.ended.wait((self.TIMES - 1) * (time.monotonic() - began))
            signal_all(family, signal.SIGCONT)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *error):
        self.ended.set()
        self.thread.join()


def family_of(pid):
    family = [pid]
    for member in family:  # grows while it is walked: children, then theirs
        family += measured_run.children_of(member)
    return family


def signal_all(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
