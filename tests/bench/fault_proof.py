"""Whether a fault hit what it was meant for, by what the master says of the job afterwards.

A figure of a fault that hit nothing is worse than none: it looks good. Each function takes a
nap_cluster.Run and raises Missed, with what it saw, unless the run proves the fault.
"""

import statistics

SLOW_TIMES = 5  # what counts as slow: a tenth of the time, less what starts and ends between turns


class Missed(RuntimeError):
    """The fault did not hit; there is no figure."""


def undisturbed(run):
    """That nothing was lost where no fault was put in."""
    if run.summary["recovery"]:
        raise Missed(f"something was lost without a fault: {run.summary['recovery']}")
    return run


def lost_at_work(run, victim, noticed_by):
    """That the worker was lost, by nothing else than that, while an attempt ran on it. Returns its
    entry in the ledger."""
    ledger = run.summary["recovery"]
    if [(e["what"], e["subject"], e["noticed_by"]) for e in ledger] != [
            ("worker_lost", victim, noticed_by)]:
        raise Missed(f"the ledger does not say that {victim} alone was lost, by {noticed_by}: "
                     f"{ledger}")
    ran = sum(a["cause"] == "worker_lost" for a in attempts_on(run, victim))
    if ran == 0 or ledger[0]["attempts_lost"] != ran:
        raise Missed(f"{ran} attempts ran on {victim} when it was lost, {ledger[0]['attempts_lost']} "
                     "by the ledger; at least one was to be hit")
    return ledger[0]


def slow(run, victim):
    """That no map of the worker was done in less than SLOW_TIMES of what others took, though it
    tried."""
    usual_s = statistics.median(took_s(a) for a in run.attempts
                                if is_map(a) and a["worker_name"] != victim
                                and a["cause"] == "succeeded")
    tried = [a for a in attempts_on(run, victim) if is_map(a)]
    done_s = [took_s(a) for a in tried if a["cause"] == "succeeded"]
    if not tried or min(done_s, default=usual_s * SLOW_TIMES) < usual_s * SLOW_TIMES:
        raise Missed(f"{victim} was not slow: it tried {len(tried)} maps and took {done_s} s for "
                     f"those that it did; others took {usual_s} s")
    return run


def overtaken(run, victim):
    """That a map of the slow worker got a backup on another one, which won."""
    tried = {a["task"] for a in attempts_on(run, victim) if is_map(a)}
    backups = [a for a in run.attempts if a["reason"] == "speculative"]
    if not any(a["task"] in tried and a["worker_name"] != victim and a["cause"] == "succeeded"
               for a in backups):
        raise Missed(f"no backup overtook {victim}, which tried {sorted(tried)}; backups: "
                     f"{[(a['task'], a['worker_name'], a['cause']) for a in backups]}")
    return run


def restarted_at_work(run, down_unix_s, up_unix_s):
    """That the job was at its reduces: one that the first master launched was still going on, and
    another master heard of its success. (Reduces are launched ahead, so the other master may have
    nothing left to launch.)"""
    began_s = run.summary["submitted_unix_ms"] / 1000
    reduces = [a for a in run.attempts if not is_map(a)]
    if not any(epoch_of(a) == 1 and a["cause"] == "succeeded"
               and began_s + a["started_s"] < down_unix_s and began_s + a["ended_s"] >= up_unix_s
               for a in reduces):
        times = [(a["attempt"], a["cause"], a["started_s"], a["ended_s"]) for a in reduces]
        raise Missed("no reduce was under way when the master was killed, %.2f s after the submit, "
                     "and done when it was back, at %.2f s: %s" %
                     (down_unix_s - began_s, up_unix_s - began_s, times))
    return run


def attempts_on(run, worker):
    return [a for a in run.attempts if a["worker_name"] == worker]


def is_map(attempt):
    return attempt["task"].startswith("map-")


def took_s(attempt):
    return attempt["ended_s"] - attempt["started_s"]


def epoch_of(attempt):
    """Of the master that launched it: 2 for "attempt-2-17"."""
    return int(attempt["attempt"].split("-")[1])
