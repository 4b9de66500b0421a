"""Waiting for the moment at which a benchmark disturbs its job."""

import unittest
from unittest import mock

import nap_cluster

HALF_DONE = [{"stages": [{"kind": "map", "done": 2, "total": 4},
                         {"kind": "reduce", "done": 0, "total": 1}]}]


class Job:
    def __init__(self, code=None):
        self.returncode = code

    def poll(self):
        return self.returncode

    def said(self):
        return "its last words\n"


class UntilDoneTest(unittest.TestCase):
    def cluster(self, *answers, job=Job()):
        """One that starts nothing; the master gives these answers."""
        stage = nap_cluster.NapCluster.__new__(nap_cluster.NapCluster)
        stage.running = job
        stage.ask = mock.Mock(side_effect=answers)
        asleep = mock.patch.object(nap_cluster.time, "sleep")
        asleep.start()
        self.addCleanup(asleep.stop)
        return stage

    def test_a_share_that_is_done(self):
        stage = self.cluster([], HALF_DONE)
        stage.until_done(0.5, "map")
        self.assertEqual(stage.ask.call_count, 2)

    @mock.patch.object(nap_cluster, "AT_WORK_S", 0)
    def test_a_share_that_does_not_come_in_time(self):
        with self.assertRaisesRegex(AssertionError, "waited 0 s in vain until 0.5 of the reduces are "
                                                    "done; last seen: .*'reduce', 'done': 0"):
            self.cluster(HALF_DONE).until_done(0.5, "reduce")

    def test_a_job_that_has_ended(self):
        with self.assertRaisesRegex(RuntimeError, "the job ended with exit code 3 before anything "
                                                  "disturbed it:\nits last words"):
            self.cluster(job=Job(3)).until_done(0.5, "map")

    @mock.patch.object(nap_cluster, "PATIENCE_S", 0)
    def test_a_job_that_does_not_end(self):
        job = Job()
        job.wait = mock.Mock(side_effect=nap_cluster.subprocess.TimeoutExpired("job", 0))
        with self.assertRaisesRegex(RuntimeError, "waited 0 s in vain for the job's end; last seen: "
                                                  ".*'map', 'done': 2"):
            self.cluster(HALF_DONE, job=job).wait_for_end()

    def test_a_worker_that_stays_alive(self):
        stage = self.cluster([{"name": "w1", "state": "alive"}], [])
        self.assertEqual(stage.state("w1"), "alive")
        self.assertIsNone(stage.state("w1"))


if __name__ == "__main__":
    unittest.main()
