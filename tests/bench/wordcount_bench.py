#!/usr/bin/env python3
"""Word count against DuckDB and mawk, latency of small jobs, growth and memory.

    scripts/bench wordcount [--runs=5] [--only=words,letters,growth,memory,latency]

Ratios are taken in one run of this program: the programs take turns, each on a warm page cache and
on memory that was touched just before. Input, scratch and output lie in --folder, a tmpfs. Every
program writes its counts to files; all answers are compared. Exit 1 if a target is missed.
"""

import argparse
import glob
import hashlib
import os
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import bench_data  # noqa: E402
import figures  # noqa: E402
import measured_run  # noqa: E402

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MIB = 1 << 20


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = options.folder
        self.output = os.path.join(options.folder, "output")
        self.scratch = os.path.join(options.folder, "scratch")
        self.figures = figures.Figures()
        self.report = self.figures.report
        os.makedirs(self.folder, exist_ok=True)

    # ---- The programs ----

    def millrace(self, text):
        return [self.options.wordcount, f"--input={text}", f"--output={self.output}",
                f"--workers={self.options.workers}", f"--scratch_dir={self.scratch}",
                "--progress=none"]

    def duckdb(self, text):
        os.makedirs(self.output)
        return ["node", os.path.join(HERE, "duckdb_wordcount.cjs"), text,
                os.path.join(self.output, "counts"), str(self.options.workers)]

    def mawk(self, text):
        os.makedirs(self.output)
        return ["sh", "-c", 'mawk -f "$0" "$1" >"$2"', os.path.join(HERE, "wordcount.awk"), text,
                os.path.join(self.output, "counts")]

    def install_duckdb(self):
        self.node = os.path.join(self.folder, "node")
        if not os.path.exists(os.path.join(self.node, "node_modules", "@duckdb", "node-api")):
            subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix",
                            self.node, "@duckdb/node-api"], check=True)
        os.environ["NODE_PATH"] = os.path.join(self.node, "node_modules")

    # ---- Running them ----

    def clear(self):
        shutil.rmtree(self.output, ignore_errors=True)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def run_once(self, program, text):
        self.clear()
        arguments = program(text)
        measured_run.warm_memory(self.options.warm_gib)
        return measured_run.timed(arguments, stdout=subprocess.DEVNULL)

    def digest(self):
        """A digest of the answer, whatever its order and its files."""
        files = [path for path in sorted(glob.glob(os.path.join(self.output, "*")))
                 if not os.path.basename(path).startswith("_")]
        sort = subprocess.Popen(["sort", "--buffer-size=1G", *files], stdout=subprocess.PIPE,
                                env={**os.environ, "LC_ALL": "C", "TMPDIR": self.folder})
        total = hashlib.sha256()
        while chunk := sort.stdout.read(MIB):
            total.update(chunk)
        if sort.wait() != 0:
            raise RuntimeError("sort failed on the output of a program")
        return total.hexdigest()

    def compare(self, text, programs):
        """Returns program name -> median seconds; the programs take turns."""
        measured_run.warm_cache(text)
        seconds = {name: [] for name in programs}
        digests = {}
        for turn in range(self.options.runs):
            for name, program in programs.items():
                if name == "mawk" and turn >= 3:
                    continue  # three slow runs are enough for a ratio this far from its target
                seconds[name].append(self.run_once(program, text))
                if turn == 0:
                    digests[name] = self.digest()
                print(f"  {os.path.basename(text)} {name}: {seconds[name][-1]:.2f} s",
                      file=sys.stderr)
        self.clear()
        self.report(f"{os.path.basename(text)}: equal answers",
                    len(set(digests.values())), "different answers", "1",
                    len(set(digests.values())) == 1)
        return {name: statistics.median(values) for name, values in seconds.items()}

    def against(self, text, least):
        """`least`: competitor -> how many times faster Millrace has to be."""
        programs = {"millrace": self.millrace, **{name: getattr(self, name) for name in least}}
        medians = self.compare(text, programs)
        for name, median in medians.items():
            self.report(f"{os.path.basename(text)}: {name}", median, "s, median", "", None)
        for name, target in least.items():
            ratio = medians[name] / medians["millrace"]
            self.report(f"{os.path.basename(text)}: faster than {name}", ratio, "times",
                        f">= {target}", ratio >= target)

    # ---- What is measured ----

    def words(self, texts):
        self.against(texts["words-1024"], {"duckdb": 2.5, "mawk": 8.0})

    def letters(self, texts):
        self.against(texts["letters-1024"], {"duckdb": 4.0})

    def growth(self, texts):
        names = ("words-256", "words-1024")
        seconds, peaks = {name: [] for name in names}, []
        for name in names:
            measured_run.warm_cache(texts[name])
        for _ in range(self.options.runs):
            for name in names:  # in turns: what disturbs the machine disturbs both
                seconds[name].append(self.run_once(self.millrace, texts[name]))
                print(f"  {name}.txt millrace: {seconds[name][-1]:.2f} s", file=sys.stderr)
        for name in names:
            self.clear()
            peaks.append(measured_run.executor_memory(self.millrace(texts[name])) / MIB)
        self.clear()
        small, large = (statistics.median(seconds[name]) for name in names)
        ratio = large / small
        self.report("4 times the input: time", ratio, "times", "<= 4.4", ratio <= 4.4)
        self.report("4 times the input: memory of an executor", peaks[1] / peaks[0], "times",
                    "<= 1.25", peaks[1] / peaks[0] <= 1.25)

    def memory(self, texts):
        self.clear()
        peak = measured_run.executor_memory(self.millrace(texts["words-1024"])) / MIB
        self.clear()
        self.report("anonymous memory of an executor", peak, "MiB", "<= 160", peak <= 160)

    def latency(self, texts):
        small = os.path.join(self.folder, "small.txt")
        with open(texts["words-256"], "rb") as source, open(small, "wb") as out:
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
            [self.options.master, f"--workers={self.options.workers}", "--listen=127.0.0.1:0",
             f"--state_dir={state}", f"--ready_file={ready}"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            address = measured_run.wait_for_ready(ready, master)
            times = []
            for _ in range(4 * self.options.runs):
                self.clear()
                times.append(measured_run.timed(
                    [self.options.wordcount, f"--input={text}", f"--output={self.output}",
                     f"--master={address}", "--progress=none"], stdout=subprocess.DEVNULL))
            return times
        finally:
            master.terminate()
            master.wait()
            shutil.rmtree(state, ignore_errors=True)


PARTS = ("words", "letters", "growth", "memory", "latency")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", default="/dev/shm/millrace-bench",
                        help="texts, scratch and output; a tmpfs with 4 GiB to spare")
    parser.add_argument("--state_folder", default="/var/tmp/millrace-bench",
                        help="the master's journal, on a real disk")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--warm_gib", type=int, default=5)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, of " + ", ".join(PARTS))
    parser.add_argument("--input", help="a text of your own in place of words-1024.txt")
    parser.add_argument("--wordcount", default=f"{ROOT}/bazel-bin/apps/wordcount/wordcount")
    parser.add_argument("--master", default=f"{ROOT}/bazel-bin/master/master")
    parser.add_argument("--json", help="write the results to this file")
    options = parser.parse_args()

    bench = Bench(options)
    texts = bench_data.prepare(options.folder)
    if options.input:
        texts["words-1024"] = os.path.abspath(options.input)
    parts = options.only.split(",")
    if "words" in parts or "letters" in parts:
        bench.install_duckdb()
    for part in PARTS:
        if part in parts:
            getattr(bench, part)(texts)
    return bench.figures.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
