#!/usr/bin/env python3
"""What tasks cost the master as jobs grow: CPU, memory and journal of its core, and the memory of a
whole master with a job of 100,000 maps and 1,000 reduces.

    scripts/bench scale [--largest=1000000]

Results are added to those in --results, from which benchmarks_page.py makes the section "Scale" of
docs/benchmarks.md. Exit 1 if a target is missed, or a task has no winner or two.
"""

import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
import figures  # noqa: E402
import workloads_bench  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(HERE))
PROGRAMS = os.path.join(ROOT, "bazel-bin", "tests", "bench")

# A hundredth as many workers and reduces as maps: what a worker does stays the same.
MAPS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
MAPS_PER_WORKER = 100
# At a hundred times the size a task may cost so many times as much. Trees grow deeper and caches
# miss; anything in proportion to the cluster would be a hundred.
GROWTH_MAX = 3
BYTES_MAX = 400
SECONDS_MAX = 300


def run(name, *flags):
    """Runs a program that prints a line of JSON; returns that and whether it was content."""
    done = subprocess.run([os.path.join(PROGRAMS, name), "--json", *flags],
                          stdout=subprocess.PIPE, text=True, check=False)
    if not done.stdout.strip():
        raise RuntimeError(f"{name} {' '.join(flags)} ended with {done.returncode}")
    return json.loads(done.stdout), done.returncode == 0


def size(maps):
    share = maps // MAPS_PER_WORKER
    return (f"--maps={maps}", f"--workers={share}", f"--reduces={share}")


def measure_sizes(largest, found):
    rows = []
    for maps in [maps for maps in MAPS if maps <= largest]:
        row, content = run("master_scale", *size(maps))
        rows.append(row)
        if not content:
            found.fail(f"{maps} maps", "the core did something wrong, see above")
        found.report(f"{maps} maps: CPU of a task", row["cpu_us"], "us", "", None)
        found.report(f"{maps} maps: memory of a task", row["bytes"], "bytes",
                     f"<= {BYTES_MAX}", row["bytes"] <= BYTES_MAX)
        found.report(f"{maps} maps: journal of a task", row["journal_bytes"], "bytes", "", None)
    growth = rows[-1]["cpu_us"] / rows[0]["cpu_us"]
    found.report("CPU of a task, largest over smallest", growth, "times", f"<= {GROWTH_MAX}",
                 growth <= GROWTH_MAX)
    found.report("CPU of the largest job", rows[-1]["cpu_seconds"], "s", f"<= {SECONDS_MAX}",
                 rows[-1]["cpu_seconds"] <= SECONDS_MAX)
    return rows


def measure_memory(found):
    row, content = run("master_memory")
    found.report("100,000 maps x 1,000 reduces: peak", row["peak_mib"], "MiB",
                 f"<= {row['limit_mib']}", content)
    return row


def read_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=MAPS[-1], help="maps of the largest job")
    parser.add_argument("--results", default="/dev/shm/millrace-bench/results.json")
    return parser.parse_args()


def main():
    options = read_options()
    found = figures.Figures()
    try:
        result = {"sizes": measure_sizes(options.largest, found), "memory": measure_memory(found)}
        os.makedirs(os.path.dirname(options.results), exist_ok=True)
        workloads_bench.add_results(options.results, "scale", result)
    except (RuntimeError, OSError) as error:
        found.fail("scale", str(error))
    return found.finish()


if __name__ == "__main__":
    sys.exit(main())
