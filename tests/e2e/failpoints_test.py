"""Failpoints: named places where MILLRACE_FAILPOINT makes a real process die, stop, wait or fail."""

import json
import os
import re

import cluster
from cluster import MASTER, MILLRACE, WORDCOUNT, WORKER, count, read_output


class FailpointsTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.input = self.text("in/words", b"".join(b"word%d and more\n" % (i * i % 9973)
                                                    for i in range(200000)))
        self.log = self.path("failpoints")

    def run_job(self, failpoint, *flags):
        """Runs word count on a local cluster of four; returns what it said, and its summary."""
        environment = dict(self.environment, MILLRACE_FAILPOINT=failpoint,
                           MILLRACE_FAILPOINT_LOG=self.log)
        job = self.job(WORDCOUNT, "--input=" + self.path("in"), "--output=" + self.path("out"),
                       "--workers=4", "--reducers=4", "--split_mb=1", "--shuffle=network",
                       "--summary_json=" + self.path("summary"), *flags, env=environment).finish()
        self.assertEqual(read_output(self.path("out")), count([self.input]))
        with open(self.path("summary")) as f:
            return job.said(), json.load(f)

    def hits(self):
        """[(name, pid, action, detail)] of the log."""
        with open(self.log) as f:
            return [tuple(line.rstrip("\n").split("\t")) for line in f]

    def test_a_worker_killed_in_a_map_is_lost_and_its_maps_run_again(self):
        said, summary = self.run_job("map.launched:kill:once")
        self.assertEqual(summary["workers"], {"joined": 4, "lost": 1})
        self.assertGreaterEqual(summary["reasons"]["worker_lost"], 1)
        [(name, pid, action, detail)] = self.hits()
        self.assertEqual((name, action), ("map.launched", "kill"))
        self.assertRegex(detail, r"^task=map-\d{5} attempt=attempt-1-\d+ worker=w[1-4]$")
        self.assertIn("failpoint map.launched hit in PID %s (%s): kill" % (pid, detail), said)

    def test_a_worker_is_addressed_by_its_name(self):
        _, summary = self.run_job("worker.register@w2:kill")
        self.assertEqual(summary["workers"], {"joined": 3, "lost": 0})
        [(_, _, _, detail)] = self.hits()
        self.assertEqual(detail, "worker=w2")

    def test_an_executor_killed_in_a_reduce_costs_one_attempt(self):
        _, summary = self.run_job("reduce.running:kill:once")
        self.assertEqual(summary["workers"]["lost"], 0)
        self.assertEqual((summary["attempts"]["failed"], summary["reasons"]["user_failure"]),
                         (1, 1))
        [(_, _, _, detail)] = self.hits()
        self.assertRegex(detail, r"^task=reduce-\d{5} attempt=attempt-1-\d+ worker=w[1-4]$")

    def test_a_source_that_a_worker_fails_to_serve_is_made_again(self):
        _, summary = self.run_job("shuffle.serve:fail:once")
        self.assertEqual(summary["reasons"]["output_lost"], 2, "the map, and the reduce that asked")
        self.assertEqual(len(self.hits()), 1)

    def test_a_failing_sync_of_the_journal_ends_the_master(self):
        environment = dict(self.environment, MILLRACE_FAILPOINT="journal.before_sync:fail")
        master = self.master(env=environment)
        self.job(WORDCOUNT, "--master=" + master.address, "--input=" + self.path("in"),
                 "--output=" + self.path("out"), "--detach", "--connect_timeout=1s")
        self.assertIn("journal.before_sync", master.finish(1).said())

    def test_a_mistake_in_the_variable_is_told_before_anything_starts(self):
        programs = {"job": [WORDCOUNT, "--workers=2", "--input=" + self.path("in"),
                            "--output=" + self.path("out")],
                    "master": [MASTER], "worker": [WORKER, "--master=127.0.0.1:1"],
                    "millrace": [MILLRACE, "jobs"]}
        environment = dict(self.environment, MILLRACE_FAILPOINT="map.runing:kill")
        for name, argv in programs.items():
            said = self.start(name, argv, env=environment).finish(2).said()
            self.assertIn("did you mean map.running?", said, name)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_every_program_lists_them(self):
        for argv in [WORDCOUNT], [MASTER], [WORKER], [MILLRACE]:
            listed = self.start("list", argv + ["--list_failpoints"]).finish().output()
            self.assertTrue(re.search(r"^journal\.before_sync +master +fail ", listed, re.M))
            helped = self.start("help", argv + ["--help"]).finish().output()
            self.assertIn("--list_failpoints", helped)


if __name__ == "__main__":
    cluster.main()
