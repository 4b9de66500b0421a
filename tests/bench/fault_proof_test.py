"""Runs in which a fault hit, and those in which it did not and that must give no figure."""

import contextlib
import io
import unittest

import fault_proof
import figures
from fault_proof import Missed
from nap_cluster import Run

LOST = {"what": "worker_lost", "subject": "w2", "noticed_by": "connection_closed",
        "attempts_lost": 1}


def attempt(task, worker, cause="succeeded", took=(0, 1), reason="first", name="attempt-1-1"):
    return {"attempt": name, "task": task, "worker_name": worker, "cause": cause,
            "reason": reason, "started_s": took[0], "ended_s": took[1]}


def run(*attempts, ledger=()):
    summary = {"recovery": list(ledger), "submitted_unix_ms": 1_000_000}
    return Run(seconds=1, summary=summary, attempts=attempts)


class FaultProofTest(unittest.TestCase):
    def test_a_run_without_a_fault_has_lost_nothing(self):
        fault_proof.undisturbed(run())
        with self.assertRaisesRegex(Missed, "without a fault: .*worker_lost"):
            fault_proof.undisturbed(run(ledger=[LOST]))

    def test_a_worker_is_lost_with_the_attempt_that_ran_on_it(self):
        ended = attempt("map-00001", "w2", "worker_lost")
        hit = run(ended, attempt("map-00001", "w1"), ledger=[LOST])
        self.assertEqual(fault_proof.lost_at_work(hit, "w2", "connection_closed"), LOST)
        for missed, why in [
                (run(ended), r"not say that w2 alone was lost, by connection_closed: \[\]"),
                (run(ended, ledger=[LOST, LOST]), "alone"),
                (run(ended, ledger=[dict(LOST, subject="w3")]), "'subject': 'w3'"),
                (run(ended, ledger=[dict(LOST, noticed_by="lease_ran_out")]), "lease_ran_out"),
                (run(ended, ledger=[dict(LOST, attempts_lost=0)]), "1 attempts .* 0 by the ledger"),
                (run(attempt("map-00001", "w2"), ledger=[dict(LOST, attempts_lost=0)]),
                 "0 attempts ran on w2"),
                (run(attempt("map-00001", "w1", "worker_lost"), ledger=[LOST]), "0 attempts")]:
            with self.assertRaisesRegex(Missed, why):
                fault_proof.lost_at_work(missed, "w2", "connection_closed")

    def test_a_slow_worker_takes_five_times_as_long_or_is_not_done(self):
        others = [attempt("map-00000", "w1", took=(0, 4)), attempt("map-00001", "w3", took=(4, 8))]
        fault_proof.slow(run(*others, attempt("map-00002", "w2", took=(0, 20))), "w2")
        fault_proof.slow(run(*others, attempt("map-00002", "w2", "superseded", (0, 6))), "w2")
        for tried, why in [([], "tried 0 maps"),
                           ([attempt("reduce-00000", "w2", took=(0, 20))], "tried 0 maps"),
                           ([attempt("map-00002", "w2", took=(0, 20)),
                             attempt("map-00003", "w2", took=(20, 39))], r"\[20, 19\] s .* 4"),
                           ([attempt("map-00002", "w2", took=(0, 4))], "was not slow")]:
            with self.assertRaisesRegex(Missed, why):
                fault_proof.slow(run(*others, *tried), "w2")

    def test_a_backup_on_another_worker_has_won(self):
        beaten = attempt("map-00001", "w2", "superseded")
        fault_proof.overtaken(run(beaten, attempt("map-00001", "w1", reason="speculative")), "w2")
        for missed in [
                run(beaten, attempt("map-00001", "w1", reason="timed_out")),
                run(beaten, attempt("map-00002", "w1", reason="speculative")),
                run(beaten, attempt("map-00001", "w1", "superseded", reason="speculative"))]:
            with self.assertRaisesRegex(Missed, "no backup overtook w2"):
                fault_proof.overtaken(missed, "w2")

    def test_a_reduce_goes_on_while_the_master_is_away(self):
        # The job was submitted at 1000 s; the master was away from 1005 s to 1006 s.
        away = (1005, 1006)
        fault_proof.restarted_at_work(run(attempt("reduce-00000", "w1", took=(4, 7))), *away)
        for missed in [attempt("reduce-00000", "w1", took=(3, 5)),
                       attempt("reduce-00000", "w1", took=(6, 8)),
                       attempt("reduce-00000", "w1", "worker_lost", took=(4, 7)),
                       attempt("map-00000", "w1", took=(4, 7)),
                       attempt("reduce-00000", "w1", took=(4, 7), name="attempt-2-9")]:
            with self.assertRaisesRegex(Missed, "no reduce was under way .* 5.00 s .* 6.00 s"):
                fault_proof.restarted_at_work(run(missed), *away)


class FiguresTest(unittest.TestCase):
    def test_a_fault_that_did_not_hit_is_an_error_and_no_figure(self):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            shown = figures.Figures()
            shown.fail("master", "no reduce was under way")
            self.assertEqual(shown.finish(), 1)
        self.assertRegex(said.getvalue(), "master +ERROR: no reduce was under way\n")
        self.assertNotIn("value", shown.results[0])


if __name__ == "__main__":
    unittest.main()
