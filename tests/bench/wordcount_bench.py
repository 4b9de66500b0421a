#!/usr/bin/env python3
"""What a word count costs besides time: memory of executors, and latency of small jobs.

    scripts/bench wordcount [--runs=5] [--only=memory,latency]

Input, scratch and output lie in --folder, a tmpfs. How long large jobs take, and others with them,
is measured by workloads_bench.py. Exit 1 if a target is missed.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import bench_data  # noqa: E402
import bench_stage  # noqa: E402
import competitors  # noqa: E402
import figures  # noqa: E402
import measured_run  # noqa: E402

MIB = 1 << 20


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = options.folder
        self.stage = bench_stage.Stage(options)
        self.figures = figures.Figures()
        self.report = self.figures.report

    def millrace(self, text):
        return self.stage.command(competitors.millrace("wordcount"), text)

    def clear(self):
        self.stage.clear()

    # ---- What is measured ----

    def memory(self):
        peaks = {}
        for mib in (256, 1024):
            text = bench_data.find(self.folder, f"words-{mib}.txt")
            self.clear()
            peaks[mib] = measured_run.executor_memory(self.millrace(text)) / MIB
        self.clear()
        self.report("anonymous memory of an executor", peaks[1024], "MiB", "<= 160",
                    peaks[1024] <= 160)
        ratio = peaks[1024] / peaks[256]
        self.report("4 times the input: memory of an executor", ratio, "times", "<= 1.25",
                    ratio <= 1.25)

    def latency(self):
        small = os.path.join(self.folder, "small.txt")
        text = bench_data.find(self.folder, "words-256.txt")
        with open(text, "rb") as source, open(small, "wb") as out:
            out.write(source.read(1024))
        arguments = self.millrace(small)
        times = []
        for _ in range(4 * self.options.runs):
            self.clear()
            times.append(measured_run.timed(arguments, stdout=subprocess.DEVNULL) * 1000)
        median = statistics.median(times)
        self.report("1 KiB, local cluster", median, "ms, median", "<= 200", median <= 200)
        median = statistics.median(self.submit_times(small)) * 1000
        self.report("1 KiB, to a running cluster", median, "ms, median", "<= 60", median <= 60)

    def submit_times(self, text):
        """Seconds that each submission to a running master takes; its journal is on a real disk."""
        ready = os.path.join(self.folder, "ready.json")
        state = os.path.join(self.options.state_folder, "state")
        shutil.rmtree(state, ignore_errors=True)
        if os.path.exists(ready):
            os.remove(ready)
        os.makedirs(self.options.state_folder, exist_ok=True)
        master = subprocess.Popen(
            [f"{self.options.programs}/master/master", f"--workers={self.options.workers}",
             "--listen=127.0.0.1:0", f"--state_dir={state}", f"--ready_file={ready}"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            address = measured_run.wait_for_ready(ready, master)
            times = []
            for _ in range(4 * self.options.runs):
                self.clear()
                times.append(measured_run.timed(
                    [self.millrace(text)[0], f"--input={text}", f"--output={self.stage.output}",
                     f"--master={address}", "--progress=none", "--reuse=off"],
                    stdout=subprocess.DEVNULL))
            return times
        finally:
            master.terminate()
            master.wait()
            shutil.rmtree(state, ignore_errors=True)


PARTS = ("memory", "latency")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", default="/dev/shm/millrace-bench",
                        help="texts, scratch and output; a tmpfs with 4 GiB to spare")
    parser.add_argument("--state_folder", default="/var/tmp/millrace-bench",
                        help="the master's journal, on a real disk")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--only", default=",".join(PARTS), help="parts, of " + ", ".join(PARTS))
    parser.add_argument("--programs", default=f"{competitors.ROOT}/bazel-bin",
                        help="the folder under which master/master and the others are")
    parser.add_argument("--json", help="write the results to this file")
    options = parser.parse_args()

    bench = Bench(options)
    for part in PARTS:
        if part in options.only.split(","):
            getattr(bench, part)()
    return bench.figures.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
