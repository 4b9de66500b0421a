#!/usr/bin/env python3
"""Makes docs/benchmarks.md and its plots from what workloads_bench.py and scale_bench.py measured.

    benchmarks_page.py [--results=/dev/shm/millrace-bench/results.json] [--docs=docs]
"""

import argparse
import json
import os
import shlex
import statistics
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
import growth_plot  # noqa: E402
import workloads  # noqa: E402
from workloads import FLOOR, MILLRACE  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(HERE))

INTRODUCTION = """# Benchmarks

Made by `scripts/bench`: what is changed here by hand is lost with its next run.

{processor}, {cores} cores, {memory_gib} GiB of memory, {system}, Linux {kernel}.

The programs of a table took turns, each on a warm page cache and on memory that was touched just
before; input, scratch and output lay on a tmpfs, and each used {cores} processes or threads where it
can. Times are from start to exit, medians of the runs. All answers were compared. The *floor* is a
program of two processes that does this work and nothing else (`tests/bench/floor/`): no RPC, no
journal, no heartbeats, nothing that could fail and go on. Millrace's time over the floor's is what
the framework costs.

Below each table is where the CPU time of one more run goes, as `--profile` says. *spill*, *shuffle*
and *merge* are the price of run files, by which a lost worker costs only what it had; *control* is
that of processes, RPC, journal, heartbeats, and of starting and ending a cluster.
"""


def times(number):
    return f"{number:.2f}" if number < 10 else f"{number:.1f}"


def verdict(name, ratio, workload):
    """What Millrace had to reach against one program, and whether it did."""
    if name == FLOOR and workload.most:
        return f"at most {workload.most}: {'ok' if ratio <= workload.most else 'missed'}"
    if name in workload.least:
        least = workload.least[name]
        return f"at least {least}: {'ok' if ratio >= least else 'missed'}"
    return ""


def row(name, runs, mine, workload):
    median = statistics.median(runs)
    spread = f"{min(runs):.2f} to {max(runs):.2f}" if len(runs) > 1 else "one run"
    against = target = ""
    if mine and name == FLOOR:
        against = f"Millrace takes {times(mine / median)} times as long"
        target = verdict(name, mine / median, workload)
    elif mine and name != MILLRACE:
        against = f"{times(median / mine)} times as long as Millrace"
        target = verdict(name, median / mine, workload)
    return f"| {name} | {median:.2f} s | {spread} | {against} | {target} |"


def short(command):
    """The command as one line, without the folders that only this machine has."""
    line = shlex.join(command).replace(ROOT + "/", "")
    files = [word for word in command if os.sep + "pieces" + os.sep in word]
    if len(files) > 1:
        line = line.replace(shlex.join(files), os.path.dirname(files[0]) + "/*")
    return line


def profile_line(profile):
    shares = ", ".join(f"{phase} {share:.0%}" for phase, share in profile["shares"].items()
                       if share >= 0.005)
    return (f"CPU time of Millrace, {profile['cpu_s']:.2f} s: {shares}. Checksums are about"
            f" {profile['checksums']:.1%} of it, in several of these.").replace("%", " %")


def section(name, result):
    workload = workloads.WORKLOADS[name]
    runs = {program: seconds for program, seconds in result["seconds"].items() if seconds}
    mine = statistics.median(runs[MILLRACE]) if MILLRACE in runs else None
    lines = [f"## {result['title']}", "", "| | median | all runs | | target |", "|---|---|---|---|---|"]
    lines += [row(program, seconds, mine, workload) for program, seconds in runs.items()]
    lines += ["", "All answers were equal." if result["equal"] else "**The answers differed.**", ""]
    if result.get("profile"):
        lines += [profile_line(result["profile"]), ""]
    lines += ["```", *(short(command) for command in result["commands"].values()), "```", ""]
    return lines


def growth_section(growth):
    sizes = sorted({int(mib) for runs in growth.values() for mib in runs})
    lines = ["## Growth", "", "Word count of the first part of the same text.", "",
             "![time against size of input](benchmarks-growth.svg)", "",
             "| | " + " | ".join(f"{mib} MiB" for mib in sizes) + " |",
             "|---|" + "---|" * len(sizes)]
    for program, runs in growth.items():
        medians = [statistics.median(runs[str(mib)]) for mib in sizes]
        lines.append(f"| {program} | " + " | ".join(f"{median:.2f} s" for median in medians) + " |")
    return [*lines, ""]


SCALE = """## Scale

A job on a cluster of scripted workers in virtual time (`tests/bench/scripted_cluster.h`): each sends
heartbeats with its progress once a second, maps take some ten seconds, and of a hundred workers one
is lost, half of them while maps run and half while reduces run. Every task has one winner at a time,
and what was lost is made again as long as a reduce may need it. What is measured is
the master's core and the encoding of its journal; `scripts/bench scale` repeats it.

![CPU of a task against maps](benchmarks-scale-cpu.svg)

![memory and journal of a task against maps](benchmarks-scale-bytes.svg)

| maps | reduces | workers | lost | maps run again | CPU a task | all CPU | memory a task | journal a task |
|---|---|---|---|---|---|---|---|---|"""

MEMORY = """
A whole master with {maps:,} maps, {reduces:,} reduces and {workers} workers of four slots, its journal
on disk and its calls made (`tests/bench/master_memory.cc`): the peak of the process is {peak_mib:.0f}
MiB, the workers' ends in it included; at most {limit_mib} are allowed. The journal takes
{journal_mib:.0f} MiB on disk. To say where all map outputs are takes {news_mib:.1f} MiB for each worker,
however many reduces it runs, in {news_calls} calls of at most {largest_kib:.0f} KiB, of which one at a time
is under way and in memory.
"""


def scale_section(scale):
    rows = [f"| {row['maps']:,} | {row['reduces']:,} | {row['workers']:,} | {row['lost']} |"
            f" {row['again']:,} | {row['cpu_us']:.0f} us | {row['cpu_seconds']:.1f} s |"
            f" {row['bytes']:.0f} bytes | {row['journal_bytes']:.0f} bytes |"
            for row in scale["sizes"]]
    return [SCALE, *rows, MEMORY.format(**scale["memory"])]


def scale_plots(scale):
    """Returns the name of each plot's file, and the SVG's text."""
    def points(key):
        return [(row["maps"], row[key]) for row in scale["sizes"]]
    return {"benchmarks-scale-cpu.svg": growth_plot.draw_lines(
                {"CPU a task": points("cpu_us")}, "maps", "us"),
            "benchmarks-scale-bytes.svg": growth_plot.draw_lines(
                {"memory a task": points("bytes"), "journal a task": points("journal_bytes")},
                "maps", "B")}


def page(results):
    lines = [INTRODUCTION.format(**results["machine"])]
    measured = results["workloads"]
    for name in workloads.WORKLOADS:
        if name in measured:
            lines += section(name, measured[name])
    if "growth" in measured:
        lines += growth_section(measured["growth"])
    if "scale" in measured:
        lines += scale_section(measured["scale"])
    return "\n".join(lines).rstrip("\n") + "\n"


def write(folder, name, content):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
        out.write(content)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", default="/dev/shm/millrace-bench/results.json")
    parser.add_argument("--docs", default=os.path.join(ROOT, "docs"))
    options = parser.parse_args()
    with open(options.results, encoding="utf-8") as file:
        results = json.load(file)
    write(options.docs, "benchmarks.md", page(results))
    measured = results["workloads"]
    if "growth" in measured:
        write(options.docs, "benchmarks-growth.svg", growth_plot.draw(measured["growth"]))
    if "scale" in measured:
        for name, plot in scale_plots(measured["scale"]).items():
            write(options.docs, name, plot)


if __name__ == "__main__":
    main()
