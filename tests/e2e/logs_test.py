"""What attempts write to standard error, shown by `millrace logs` whatever becomes of them."""

import os

import cluster
from cluster import STREAMING, UNRULY


class LogsTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.text("in/text", "one\ntwo\n")
        self.cluster = self.master()

    def workers(self, *names):
        """{name: process} of workers with one slot each, which have joined."""
        started = {name: self.worker("--master=" + self.cluster.address, "--slots=1",
                                     "--name=" + name) for name in names}
        self.workers_joined(self.cluster, len(names))
        return started

    def run_job(self, binary, *flags):
        return self.job(binary, "--master=" + self.cluster.address, "--input=" + self.path("in"),
                        "--output=" + self.path("out"), "--reducers=1", *flags)

    def logs(self, *arguments):
        return self.millrace(self.cluster, "logs", "1", *arguments)

    def test_what_a_program_wrote_is_there_though_it_succeeded(self):
        self.workers("red")
        self.run_job(STREAMING, "--reducer=cat",
                     "--mapper=sh -c 'cat; echo seen by the mapper >&2'").finish()
        self.assertRegex(self.logs("map-00000"),
                         r"^map-00000 attempt-\S+ on red, succeeded\n    seen by the mapper\n$")
        self.assertEqual(self.logs("reduce-0"),
                         "nothing was written to standard error by 1 attempt\n")
        [log] = self.logs("--json")
        self.assertEqual((log["task"], log["worker_name"], log["cause"], log["standard_error"],
                          log["dropped_bytes"], log["missing"]),
                         ("map-00000", "red", "succeeded", "seen by the mapper\n", 0, None))

    def test_of_very_much_the_end_is_kept(self):
        self.workers("red")
        self.run_job(STREAMING, "--reducer=cat",
                     "--mapper=sh -c 'cat; seq 100000 >&2; echo the end >&2'").finish()
        [log] = self.logs("map-0", "--json")
        self.assertTrue(log["standard_error"].endswith("\n100000\nthe end\n"))
        self.assertGreater(log["dropped_bytes"], 0)
        self.assertRegex(self.logs("map-0"), r"succeeded\n    \[\d+ bytes before this\]\n    \d+\n")

    def test_of_an_attempt_that_runs_there_is_what_it_has_written_so_far(self):
        gate = cluster.Gate(self.path("gate"))
        self.text("in/text", "!print:so-far %s !print:at-last\n" % gate.word)
        self.workers("red")
        job = self.run_job(UNRULY)
        gate.meet()
        self.assertRegex(self.logs(), r"^map-00000 attempt-\S+ on red, running\n    so-far\n$")
        gate.open()
        job.finish()
        self.assertRegex(self.logs(), r" on red, succeeded\n    so-far\n    at-last\n$")

    def test_an_attempt_that_runs_shows_its_last_status(self):
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        self.workers("red")
        job = self.run_job(STREAMING, "--reducer=cat", "--mapper=sh -c 'echo reporter:status:begun "
                           ">&2; echo reporter:status:half way >&2; cat %s; cat'" % fifo)
        with open(fifo, "w"):  # blocks until the program is there
            cluster.look_until("its status is told",
                               lambda: self.millrace(self.cluster, "attempts", "1", "--json"),
                               lambda attempts: attempts[0]["status"] == "half way")
            self.assertIn("  half way\n", self.millrace(self.cluster, "attempts", "1"))
        job.finish()
        attempts = self.millrace(self.cluster, "attempts", "1", "--json")
        self.assertEqual([attempt["status"] for attempt in attempts], [None, None])

    def test_a_worker_that_was_killed_takes_along_what_was_written_there_alone(self):
        gate = cluster.Gate(self.path("gate"))
        self.text("in/text", "!print:so-far %s\n" % gate.word)
        workers = self.workers("red", "blue")
        job = self.run_job(UNRULY)
        gate.meet()
        [attempt] = self.millrace(self.cluster, "attempts", "1", "--json")
        killed = attempt["worker_name"]
        workers[killed].kill()
        gate.open()
        job.finish()
        [other] = set(workers) - {killed}
        logs = self.logs("map-0")
        self.assertRegex(logs, r"^map-00000 attempt-\S+ on %s, succeeded\n    so-far\n" % other)
        self.assertIn("no log of 1 attempt: worker %s is lost; what its attempts wrote went with "
                      "it\n" % killed, logs)


if __name__ == "__main__":
    cluster.main()
