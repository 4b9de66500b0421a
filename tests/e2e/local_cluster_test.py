"""A local cluster that breaks: its job fails, and nothing of it stays for long. What another
cluster has staged is safe from it.
"""

import os
import select
import signal

import cluster
from cluster import UNRULY, WORDCOUNT, read_output


class LocalClusterTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.gate = cluster.Gate(self.path("gate"))
        self.text("held/text", "before %s after\n" % self.gate.word)
        self.text("in/text", "a few words\n")

    def start_held(self, *flags):
        """Starts a job with a cluster of two workers; returns when its map stands at the gate."""
        job = self.job(UNRULY, "--workers=2", "--input=" + self.path("held"),
                       "--output=" + self.path("made/out"), "--reducers=2", *flags)
        self.gate.meet()
        self.assertEqual(os.listdir(self.path("made/out")), ["_millrace"])
        return job

    def roles(self, name):
        return [pid for pid, line in self.left_behind().items()
                if line.startswith("millrace-" + name)]

    def check_nothing_is_left(self):
        self.assertEqual(os.listdir(self.tmp), [])
        self.assertFalse(os.path.exists(self.path("made")), "folders that the job made")

    def test_the_client_clears_up_after_its_master(self):
        job = self.start_held()
        [master] = self.roles("master")
        os.kill(master, signal.SIGKILL)
        self.assertIn("the local cluster's master ended (killed by SIGKILL)", job.finish(1).said())
        self.check_nothing_is_left()

    def test_the_client_clears_up_after_its_last_worker(self):
        job = self.start_held()
        for worker in self.roles("worker"):
            os.kill(worker, signal.SIGKILL)
        self.assertIn("the local cluster's last worker ended (killed by SIGKILL)",
                      job.finish(1).said())
        self.check_nothing_is_left()

    def test_the_next_job_clears_up_after_a_client_that_was_killed(self):
        killed = self.start_held()
        watched = [os.pidfd_open(pid) for pid in self.roles("master") + self.roles("worker")]
        killed.kill()
        killed.wait()
        for fd in watched:
            self.assertTrue(select.select([fd], [], [], cluster.DEADLINE_S)[0])
            os.close(fd)
        self.assertEqual(os.listdir(self.path("made/out")), ["_millrace"])
        self.job(WORDCOUNT, "--workers=1", "--input=" + self.path("in"),
                 "--output=" + self.path("made/out")).finish()
        self.assertEqual(read_output(self.path("made/out")), {b"a": 1, b"few": 1, b"words": 1})

    def test_the_folder_of_a_job_whose_master_is_down_is_refused_until_it_is_back(self):
        state = "--state_dir=" + self.path("state")
        master = self.master(state)
        self.worker("--master=" + master.address)
        job = self.job(UNRULY, "--master=" + master.address, "--input=" + self.path("held"),
                       "--output=" + self.path("made/out"), "--reducers=2")
        self.gate.meet()
        master.kill()
        master.wait()
        [staged] = os.listdir(self.path("made/out/_millrace"))
        for workers in "--workers=1", "--workers=inline":
            refused = self.job(WORDCOUNT, workers, "--input=" + self.path("in"),
                               "--output=" + self.path("made/out")).finish(2)
            self.assertIn("made/out\": %s writes there; wait for it" % staged, refused.said())
            self.assertEqual(os.listdir(self.path("made/out/_millrace")), [staged])
        self.master(state, "--listen=" + master.address)
        self.gate.open()
        job.finish()
        self.assertEqual(read_output(self.path("made/out")), {b"before": 1, b"after": 1})


if __name__ == "__main__":
    cluster.main()
