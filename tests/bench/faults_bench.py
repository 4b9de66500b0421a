#!/usr/bin/env python3
"""What faults cost, each as a ratio to the same job without a fault, and what being ready costs.

    scripts/bench faults [--runs=3] [--only=worker,slow,notice,master,overhead]

  worker    one of four workers is killed half way through the maps
  slow      one of four workers is ten times slower than the others
  notice    how soon the master notices a worker that was killed, or is silent
  master    the master is killed in the middle of the reduces, and started again
  overhead  journal, heartbeats and checksums, where nothing fails

Runs with and without the fault take turns, and figures are medians over --runs turns (five times
as many for the overhead, which is less than what two runs differ by). The output of
every run with faults is checked, and that its fault hit what it was meant for; else there is an
error instead of a figure. Exit 1 if a target is missed or there is an error.
"""

import argparse
import collections
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PARTS = ("worker", "slow", "notice", "master", "overhead")


def read_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="of each kind (default %(default)s)")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, of " + ", ".join(PARTS))
    parser.add_argument("--programs", default=f"{ROOT}/bazel-bin",
                        help="the folder under which master/master and the others are")
    parser.add_argument("--folder", default="/dev/shm/millrace-bench", type=os.path.abspath,
                        help="overhead: text, scratch and output; a tmpfs with 4 GiB to spare")
    parser.add_argument("--state_folder", default="/var/tmp/millrace-bench", type=os.path.abspath,
                        help="overhead: the master's journal, on a real disk")
    parser.add_argument("--warm_gib", type=int, default=5,
                        help="overhead: memory to touch before each run")
    parser.add_argument("--json", type=os.path.abspath, help="write the figures to this file")
    options = parser.parse_args()
    unknown = set(options.only.split(",")) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    return options


OPTIONS = read_options()
os.chdir(OPTIONS.programs)  # cluster.py takes them from there
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "e2e")]
import bench_data  # noqa: E402
import cluster  # noqa: E402
import fault_proof  # noqa: E402
import figures  # noqa: E402
import measured_run  # noqa: E402
import standing_cost  # noqa: E402
from nap_cluster import VICTIM, NapCluster, Naps, Slowed  # noqa: E402

FIGURES = figures.Figures()
OVERHEAD_TURNS = 5  # times --runs: two runs of one kind differ by more than what is asked here
LEASE_S = 3  # where a lease has to run out
GRACE_S = 1  # for which a worker whose connection broke may return


def run_naps(work, **options):
    with NapCluster(**options) as stage:
        return fault_proof.undisturbed(stage.run(work))


def run_disturbed(work, disturb, **options):
    with NapCluster(**options) as stage:
        return stage.run(work, disturb)


def in_turns(kinds, turns=OPTIONS.runs):
    """Calls each function so often, every other time in the opposite order; {name: results}."""
    results = {name: [] for name in kinds}
    for turn in range(turns):
        for name in list(kinds)[::-1] if turn % 2 else kinds:
            results[name].append(kinds[name]())
            print(f"  {name}: {results[name][-1].seconds:.2f} s", file=sys.stderr)
    return results


def ratio(runs, kind, normal="no fault"):
    """The median over turns: what disturbs the machine disturbs both runs of a turn."""
    return statistics.median(run.seconds / other.seconds
                             for run, other in zip(runs[kind], runs[normal]))


def show(name, value, unit):
    FIGURES.report(name, value, unit, "", None)


def at_most(limit, name, value, unit, why=""):
    FIGURES.report(name, value, unit, f"<= {limit}{why}", value <= limit)


# ---- One of four workers is killed ----


def kill_half_way(stage):
    stage.until_done(0.5, "map")
    stage.workers[VICTIM].kill()


def killed_half_way(work):
    run = run_disturbed(work, kill_half_way)
    fault_proof.lost_at_work(run, VICTIM, "connection_closed")
    return run


def unexplained(run):
    """How many attempts ran again although the loss had not undone their task, or are counted
    differently in the ledger or by their reasons."""
    lost = {attempt["task"] for attempt in run.attempts if attempt["worker_name"] == VICTIM}
    again = collections.Counter(again_in(run))
    by_reason = sum(run.summary["reasons"].values()) - run.summary["reasons"]["first"]
    in_ledger = sum(e["attempts_lost"] + e["outputs_lost"] for e in run.summary["recovery"])
    return (sum(count - (task in lost) for task, count in again.items())
            + abs(by_reason - sum(again.values())) + abs(by_reason - in_ledger))


def again_in(run, kind=""):
    """The tasks of attempts that were not their task's first."""
    return [attempt["task"] for attempt in run.attempts
            if attempt["reason"] != "first" and attempt["task"].startswith(kind)]


def worker():
    work = Naps(maps=480, naps=1, nap_ms=200)
    runs = in_turns({"no fault": lambda: run_naps(work),
                     "worker killed": lambda: killed_half_way(work)})
    killed = runs["worker killed"]
    at_most(1.35, "worker killed half way: time", ratio(runs, "worker killed"), "times",
            " (1.33: an eighth of the work is lost, and a fourth of the slots)")
    show("  attempts made again", max(len(again_in(run)) for run in killed), f"of {work.maps}")
    at_most(0, "  more than it ran and had made", max(map(unexplained, killed)), "attempts")


# ---- One of four workers is slow ----


def slowed(work):
    with NapCluster() as stage, Slowed(stage.workers[VICTIM].pid):
        return fault_proof.slow(stage.run(work), VICTIM)


def slow():
    with_backups = Naps(maps=20, naps=10, nap_ms=400, flags=("--speculation_floor=2s",))
    without = with_backups._replace(flags=("--speculation=off",))
    runs = in_turns({"no fault": lambda: run_naps(with_backups),
                     "slow worker": lambda: fault_proof.overtaken(slowed(with_backups), VICTIM),
                     "slow worker, no backups": lambda: slowed(without)})
    at_most(1.6, "one worker 10 times slower: time", ratio(runs, "slow worker"), "times")
    show("  with --speculation=off", ratio(runs, "slow worker, no backups"), "times")
    for kind in ("no fault", "slow worker"):
        show(f"  backups, {kind}",
             max(run.summary["attempts"]["speculative"] for run in runs[kind]), "at most")


# ---- How soon a loss is noticed ----


def kill_and_look(stage):
    """Notes when it was killed, and for how long the master took it for alive."""
    stage.until_done(0.1, "map")
    began_s = time.time()
    stage.workers[VICTIM].kill()
    cluster.look_until(VICTIM + " is no longer alive for the master", lambda: stage.state(VICTIM),
                       lambda state: state != "alive")
    return began_s, time.time() - began_s


def stop(stage):
    stage.until_done(0.1, "map")
    began_s = time.time()
    stage.stop(VICTIM)
    return began_s, None


def lost_after(runs, noticed_by):
    """The median of the seconds that the ledger says."""
    return statistics.median(
        fault_proof.lost_at_work(run, VICTIM, noticed_by)["noticed_unix_ms"] / 1000 - run.notes[0]
        for run in runs)


def notice():
    work = Naps(maps=40, naps=1, nap_ms=500)
    runs = in_turns({"worker killed": lambda: run_disturbed(work, kill_and_look),
                     "worker stopped": lambda: run_disturbed(work, stop, lease_s=LEASE_S)})
    killed = runs["worker killed"]
    # The kernel closes its connection: it is suspect at once, and lost if it is not back in time.
    at_most(1.0, "killed worker: no longer alive after",
            statistics.median(run.notes[1] for run in killed), "s, median")
    at_most(GRACE_S + 0.5, "killed worker: its work is given away after",
            lost_after(killed, "connection_closed"), "s, median", f" (a grace of {GRACE_S} s)")
    at_most(LEASE_S + 1, "stopped worker: its work is given away after",
            lost_after(runs["worker stopped"], "lease_ran_out"), "s, median",
            f" (a lease of {LEASE_S} s)")


# ---- The master is killed and started again ----


def restart_among_reduces(stage):
    """Notes since when and until when the cluster had no master."""
    stage.until_done(0.5, "reduce")
    down_s = time.time()
    stage.restart_master()
    return down_s, time.time()


def master_killed(work, failpoints):
    run = run_disturbed(work, restart_among_reduces, failpoints=failpoints)
    return fault_proof.restarted_at_work(run, *run.notes)


def master():
    work = Naps(maps=16, naps=1, nap_ms=200, reducers=16)
    slow_reduces = "reduce.running:delay=500ms"  # where they would nap if they could
    runs = in_turns({"no fault": lambda: run_naps(work, failpoints=slow_reduces),
                     "master killed": lambda: master_killed(work, slow_reduces)})
    killed = runs["master killed"]
    at_most(0, "master killed in the reduces: maps again",
            max(len(again_in(run, "map")) for run in killed), "maps")
    show("  reduces again", max(len(again_in(run, "reduce")) for run in killed), "reduces")
    restart_s = statistics.median(up_s - down_s for down_s, up_s in (run.notes for run in killed))
    show("  without a master", restart_s, "s, median")
    longer_s = statistics.median(run.seconds - other.seconds
                                 for run, other in zip(killed, runs["no fault"]))
    at_most(round(restart_s + 2, 2), "  longer than without the fault", longer_s, "s, median",
            " (the restart and 2 s)")


# ---- What being ready costs ----


def overhead():
    text = bench_data.find(OPTIONS.folder, "words-1024.txt")

    def count_words(how):
        with standing_cost.WordCount(text, OPTIONS) as scene:
            return how(scene)

    runs = in_turns({
        "own cluster": lambda: count_words(standing_cost.WordCount.without_journal),
        "running cluster": lambda: count_words(standing_cost.WordCount.with_journal)},
        turns=OVERHEAD_TURNS * OPTIONS.runs)
    durable = runs["running cluster"]
    show("running cluster, time against one of the job's own",
         100 * (ratio(runs, "running cluster", "own cluster") - 1), "%")
    journal = 100 * statistics.median(run.notes for run in durable)
    show("durable journal, its thread's CPU time and the job's end", journal, "%")
    heartbeats = 100 * standing_cost.heartbeat_share()
    show("heartbeats of four workers, of all cores", heartbeats, "%")
    speed = measured_run.hash_speed()
    checksums = 100 * statistics.median(standing_cost.checksum_share(run, speed)
                                        for run in durable)
    show("checksums, of the CPU time of attempts", checksums, "%")
    at_most(3, "journal, heartbeats and checksums", journal + heartbeats + checksums, "%")


def main():
    for part in PARTS:
        if part in OPTIONS.only.split(","):
            try:
                globals()[part]()
            except (RuntimeError, AssertionError) as error:  # what did not hit, or did not come
                FIGURES.fail(part, str(error))
    return FIGURES.finish(OPTIONS.json)


if __name__ == "__main__":
    sys.exit(main())
