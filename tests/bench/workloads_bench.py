#!/usr/bin/env python3
"""Each workload by Millrace, by a program written for it alone (the floor), and by others.

    scripts/bench words [--runs=5]      or letters, zipf, rare, sort, grep, inverted_index,
                                        streaming, small_files, growth

The programs take turns, each on a warm page cache and on memory that was touched just before.
Input, scratch and output lie in --folder, a tmpfs. Every program writes its answer to files, and
all answers are compared. Results are added to those in --results, from which
benchmarks_page.py makes docs/benchmarks.md. Exit 1 if a target is missed.
"""

import argparse
import json
import os
import platform
import statistics
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
import bench_data  # noqa: E402
import bench_stage  # noqa: E402
import competitors  # noqa: E402
import figures  # noqa: E402
import measured_run  # noqa: E402
import workloads  # noqa: E402
from workloads import FLOOR, MILLRACE  # noqa: E402


class Bench:
    def __init__(self, options):
        self.options = options
        self.stage = bench_stage.Stage(options)
        self.figures = figures.Figures()

    def those_there(self, programs, path):
        """The programs that can run; says why the others cannot. Ours have to."""
        found = {}
        for name, program in programs.items():
            if self.options.only and name not in self.options.only.split(","):
                continue
            missing = competitors.install(name, self.stage.node)
            binary = self.stage.command(program, path)[0]
            if name in (MILLRACE, FLOOR) and not os.path.exists(binary):
                self.figures.fail(f"{os.path.basename(path)}: {name}", f"{binary} is not built")
            elif missing:
                print(f"  {name} is left out: {missing}", file=sys.stderr)
            else:
                found[name] = program
        return found

    def in_turns(self, programs, path, kind):
        """Returns name -> seconds of each run, and the digests of the answers."""
        seconds = {name: [] for name in programs}
        digests = {}
        for turn in range(self.options.runs):
            for name in list(programs):
                if name in workloads.SLOW and turn >= workloads.SLOW_RUNS:
                    continue
                seconds[name].append(self.stage.run(programs[name], path))
                if turn == 0:
                    digests[name] = self.stage.digest(kind)
                print(f"  {os.path.basename(path)} {name}: {seconds[name][-1]:.2f} s",
                      file=sys.stderr, flush=True)
        self.stage.clear()
        return seconds, digests

    def workload(self, name):
        """Measures one workload; returns what the page shows of it."""
        workload = workloads.WORKLOADS[name]
        path = bench_data.find(self.options.folder, workload.input)
        programs = self.those_there(workload.programs, path)
        measured_run.warm_cache(path)
        seconds, digests = self.in_turns(programs, path, workload.answer)
        reference = FLOOR if FLOOR in digests else next(iter(digests), None)
        for program, digest in digests.items():
            if digest != digests[reference]:
                self.figures.fail(f"{name}: {program}", f"not the answer of {reference}")
        self.report(name, workload, {key: statistics.median(runs)
                                     for key, runs in seconds.items()})
        return {"title": workload.title, "seconds": seconds,
                "equal": len(set(digests.values())) == 1,
                "profile": self.profile(programs.get(MILLRACE), path),
                "commands": {key: self.stage.command(program, path)
                             for key, program in programs.items()}}

    def profile(self, program, path):
        """Where the CPU time of one more run of ours goes: shares of all of it, by phase."""
        if program is None:
            return None
        file = os.path.join(self.options.folder, "summary.json")
        self.stage.run(lambda work: [*program(work), "--profile", f"--summary_json={file}"], path)
        self.stage.clear()
        with open(file, encoding="utf-8") as text:
            summary = json.load(text)
        total = summary["profile"]["cpu_us"]
        shares = {phase: spent["cpu_us"] / total
                  for phase, spent in summary["profile"]["phases"].items()}
        hashing = measured_run.hashed_bytes(summary) / measured_run.hash_speed()
        return {"cpu_s": total / 1e6, "shares": shares, "checksums": hashing / (total / 1e6)}

    def report(self, name, workload, medians):
        for program, median in medians.items():
            self.figures.report(f"{name}: {program}", median, "s, median", "", None)
        mine = medians.get(MILLRACE)
        if mine and FLOOR in medians and workload.most:
            ratio = mine / medians[FLOOR]
            self.figures.report(f"{name}: Millrace over floor", ratio, "times",
                                f"<= {workload.most}", ratio <= workload.most)
        for program, least in workload.least.items():
            if mine and program in medians:
                ratio = medians[program] / mine
                self.figures.report(f"{name}: faster than {program}", ratio, "times",
                                    f">= {least}", ratio >= least)

    def growth(self):
        """Word count of growing inputs; returns program -> MiB -> seconds of each run."""
        paths = {mib: bench_data.find(self.options.folder, f"words-{mib}.txt")
                 for mib in workloads.GROWTH_MIB}
        programs = self.those_there(workloads.GROWTH, paths[1024])
        found = {name: {} for name in programs}
        for mib, path in paths.items():
            measured_run.warm_cache(path)
            seconds, _ = self.in_turns(programs, path, "lines")
            for name, runs in seconds.items():
                found[name][mib] = runs
        mine = {mib: statistics.median(runs) for mib, runs in found.get(MILLRACE, {}).items()}
        if mine:
            ratio = mine[1024] / mine[256]
            self.figures.report("4 times the input: time", ratio, "times", "<= 4.4", ratio <= 4.4)
        return found


# ---- Results ----


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file
                      if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return {"processor": model, "cores": os.cpu_count(), "memory_gib": round(memory, 1),
            "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
            "kernel": platform.release().split("-")[0]}


def add_results(path, name, result):
    """Puts the result of one workload beside those that are there; the file is whole at any time."""
    results = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
    results["machine"] = machine()
    results.setdefault("workloads", {})[name] = result
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
    os.rename(path + ".tmp", path)


def read_options():
    names = [*workloads.WORKLOADS, "growth"]
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--folder", default="/dev/shm/millrace-bench", type=os.path.abspath,
                        help="inputs, scratch and output; a tmpfs with 8 GiB to spare")
    parser.add_argument("--runs", type=int, default=5, help="of each program (of slow ones 1)")
    parser.add_argument("--only", help="programs to run, as they are named; else all that are there")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--warm_gib", type=int, default=5, help="memory to touch before each run")
    parser.add_argument("--programs", default=f"{competitors.ROOT}/bazel-bin",
                        type=os.path.abspath,
                        help="the folder under which apps/wordcount/wordcount and the others are")
    parser.add_argument("--results", help="where results are kept (FOLDER/results.json)")
    options = parser.parse_args()
    options.results = options.results or os.path.join(options.folder, "results.json")
    return options


def main():
    options = read_options()
    bench = Bench(options)
    for name in options.names:
        try:
            result = bench.growth() if name == "growth" else bench.workload(name)
            add_results(options.results, name, result)
        except (RuntimeError, OSError) as error:  # a program failed, or is not built
            bench.figures.fail(name, str(error))
    return bench.figures.finish()


if __name__ == "__main__":
    sys.exit(main())
