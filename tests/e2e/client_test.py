"""The control command `millrace`, detached jobs, cancelling, and what is left afterwards."""

import os
import select
import signal

import cluster
from cluster import UNRULY, WORDCOUNT, read_output


class ClientTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.gate = cluster.Gate(self.path("gate"))
        self.text("held/text", "before %s after\n" % self.gate.word)
        self.text("in/text", "a few words\n")
        self.cluster = self.master("--workers=2")
        self.workers_joined(self.cluster, 2)

    def submit_held(self, *flags):
        """Submits a job and returns its process when its map stands at the gate."""
        job = self.job(UNRULY, "--master=" + self.cluster.address, "--input=" + self.path("held"),
                       "--output=" + self.path("out"), "--reducers=2", *flags)
        self.gate.meet()
        return job

    def state(self, job="1"):
        return self.millrace(self.cluster, "job", job, "--json")["state"]

    def test_a_detached_job_is_waited_for_by_its_id(self):
        job = self.submit_held("--detach").finish().output().strip()
        self.assertEqual(self.state(job), "RUNNING")
        self.millrace(self.cluster, "wait", job, "--timeout=10ms", code=5)
        self.gate.open()
        self.millrace(self.cluster, "wait", job)
        self.assertEqual(self.state(job), "SUCCEEDED")
        self.assertEqual(read_output(self.path("out")), {b"before": 1, b"after": 1})

    def test_cancel_leaves_nothing(self):
        job = self.submit_held()
        self.millrace(self.cluster, "cancel", "1")
        job.finish(4)
        self.assertEqual(self.state(), "CANCELLED")
        self.assertFalse(os.path.exists(self.path("out")))
        self.millrace(self.cluster, "wait", "1", code=4)

    def test_cancel_of_a_job_that_has_ended_says_so(self):
        self.job(WORDCOUNT, "--master=" + self.cluster.address, "--input=" + self.path("in"),
                 "--output=" + self.path("out")).finish()
        cancel = self.start("cancel", [cluster.MILLRACE, "--master=" + self.cluster.address,
                                       "cancel", "1"]).finish(2)
        self.assertIn("job-1 has ended already: SUCCEEDED", cancel.said())

    def test_temporary_files_need_a_folder_that_can_be_used(self):
        local = ("--input=" + self.path("in"), "--output=" + self.path("out"))
        self.environment["TMPDIR"] = self.path("nowhere")
        for workers in ("--workers=1", "--workers=inline"):
            job = self.job(WORDCOUNT, workers, *local).finish(2)
            self.assertIn("$TMPDIR: " + self.path("nowhere"), job.said())
            scratch = "--scratch_dir=" + self.path("in/text/scratch")  # below a file
            job = self.job(WORDCOUNT, workers, scratch, *local).finish(2)
            self.assertIn("--scratch_dir: " + self.path("in/text"), job.said())
        self.assertFalse(os.path.exists(self.path("nowhere")))
        self.assertFalse(os.path.exists(self.path("out")))
        self.job(WORDCOUNT, "--workers=1", "--scratch_dir=" + self.path("made"), *local).finish()

    def test_ctrl_c_cancels_the_job(self):
        job = self.submit_held()
        job.send_signal(signal.SIGINT)
        job.finish(4)
        self.assertEqual(self.state(), "CANCELLED")
        self.assertFalse(os.path.exists(self.path("out")))

    def test_ctrl_c_during_a_submit_cancels_at_the_master_that_takes_the_job(self):
        state = "--state_dir=" + self.path("state")
        first = self.master(state)
        worker = self.worker("--master=" + first.address)
        self.workers_joined(first, 1)
        worker.send_signal(signal.SIGSTOP)  # the master waits for what it says of the job
        job = self.job(WORDCOUNT, "--master=" + first.address, "--input=" + self.path("in"),
                       "--output=" + self.path("out"))
        cluster.look_until("the job is staged", lambda: os.path.isdir(self.path("out/_millrace")),
                           bool)
        job.send_signal(signal.SIGINT)
        first.kill()
        first.wait()
        again = self.master(state, "--listen=" + first.address)
        worker.send_signal(signal.SIGCONT)
        job.finish(4)
        self.assertEqual(self.millrace(again, "job", "1", "--json")["state"], "CANCELLED")

    def test_ctrl_c_or_a_closed_terminal_ends_a_local_cluster(self):
        before = os.listdir(self.tmp)  # the folder of the other cluster's workers
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the job inherits it; nohup ignores it
        for number in (signal.SIGINT, signal.SIGHUP):
            job = self.job(UNRULY, "--workers=2", "--input=" + self.path("held"),
                           "--output=" + self.path("out"))
            self.gate.meet()
            job.send_signal(number)
            job.finish(4)
            self.assertFalse(os.path.exists(self.path("out")))
            self.assertEqual(os.listdir(self.tmp), before)

    def test_after_an_inline_job_crashed_the_next_one_runs(self):
        self.text("bad/text", "!segv\n")
        output = "--output=" + self.path("out")
        self.job(UNRULY, "--workers=inline", "--input=" + self.path("bad"),
                 output).finish(-signal.SIGSEGV)
        self.assertEqual(os.listdir(self.path("out")), ["_millrace"])
        self.job(UNRULY, "--workers=inline", "--input=" + self.path("in"), output).finish()
        self.assertFalse(os.path.exists(self.path("out/_millrace")))

    def test_a_killed_client_takes_its_local_cluster_along(self):
        others = self.left_behind()  # the workers of the other cluster
        job = self.job(UNRULY, "--workers=2", "--input=" + self.path("held"),
                       "--output=" + self.path("out"))
        self.gate.meet()
        local = [pid for pid, line in self.left_behind().items()
                 if line.startswith("millrace-") and pid not in others]
        self.assertEqual(len(local), 3, "a master and two workers")
        watched = [os.pidfd_open(pid) for pid in local]
        job.kill()
        job.wait()
        for fd in watched:
            self.ended(fd)

    def ended(self, pidfd):
        ready, _, _ = select.select([pidfd], [], [], cluster.DEADLINE_S)
        os.close(pidfd)
        self.assertTrue(ready, "a process of the local cluster goes on without its client")

    def test_jobs_attempts_and_workers(self):
        job = self.submit_held("--detach").finish().output().strip()
        jobs = self.millrace(self.cluster, "jobs", "--json")
        self.assertEqual([(j["name"], j["state"]) for j in jobs], [("unruly", "RUNNING")])
        attempts = self.millrace(self.cluster, "attempts", job, "--json")
        self.assertEqual([(a["task"], a["reason"], a["cause"]) for a in attempts],
                         [("map-00000", "first", "running")])
        workers = self.millrace(self.cluster, "workers", "--json")
        self.assertEqual({w["slots"] for w in workers}, {1})
        self.assertEqual(sum(w["busy"] for w in workers), 1)
        for verb in (("jobs",), ("job", job), ("attempts", job), ("workers",)):
            self.assertTrue(self.millrace(self.cluster, *verb))
        self.gate.open()
        self.millrace(self.cluster, "wait", job)

    def test_cat_prints_the_output_of_a_job_that_has_succeeded(self):
        held = self.submit_held("--detach").finish().output().strip()
        self.cat(held, code=2, says="is RUNNING and has no output")
        self.gate.open()
        self.millrace(self.cluster, "wait", held)
        self.assertEqual(sorted(self.cat(held).splitlines()), ["after\t1", "before\t1"])
        self.job(WORDCOUNT, "--master=" + self.cluster.address, "--input=" + self.path("in"),
                 "--output=" + self.path("packed"), "--output_compression=zstd").finish()
        self.assertEqual(self.cat("2"), "a\t1\nfew\t1\nwords\t1\n")

    def test_cat_does_not_take_the_output_of_another_job_for_that_of_its_own(self):
        flags = ("--input=" + self.path("in"), "--output=" + self.path("out"), "--reducers=2",
                 "--overwrite")
        for _ in range(2):
            self.job(WORDCOUNT, "--master=" + self.cluster.address, *flags).finish()
        self.assertEqual(self.cat("1", code=2, says="was replaced by job-2-"), "")
        self.assertEqual(sorted(self.cat("2").splitlines()), ["a\t1", "few\t1", "words\t1"])
        self.job(WORDCOUNT, "--workers=1", *flags).finish()  # of a cluster with numbers of its own
        self.assertEqual(self.cat("2", code=2, says="was replaced by job-1-"), "")

    def cat(self, job, code=0, says=""):
        cat = self.start("cat", [cluster.MILLRACE, "--master=" + self.cluster.address, "cat",
                                 job]).finish(code)
        self.assertIn(says, cat.said())
        return cat.output()

    def test_all_parts_may_be_merged_into_one_file(self):
        flags = ("--input=" + self.path("in"), "--output=" + self.path("out"), "--reducers=3")
        merged = "--output_merged=" + self.path("merged")
        for more in ((), ("--output_compression=zstd", "--overwrite")):
            self.job(WORDCOUNT, "--workers=1", merged, *more, *flags).finish()
            with open(self.path("merged"), encoding="utf-8") as file:
                self.assertEqual(sorted(file.read().splitlines()), ["a\t1", "few\t1", "words\t1"])
            os.remove(self.path("merged"))
        said = self.job(WORDCOUNT, "--master=" + self.cluster.address, "--detach", merged,
                        *flags).finish(2).said()
        self.assertIn("--detach and --output_merged exclude each other", said)
        said = self.job(WORDCOUNT, "--workers=1", "--output_merged=" + self.path("in/text"),
                        "--overwrite", *flags).finish(2).said()
        self.assertIn("is an input file of this job", said)

    def test_unknown_jobs_and_verbs(self):
        for arguments in (("job", "99"), ("wait", "99"), ("cancel", "99"), ("attempts", "99"),
                          ("job", "x"), ("job",), ("frobnicate",), ()):
            self.millrace(self.cluster, *arguments, code=2)

    def test_a_failed_job_is_exit_1_also_for_waiters(self):
        self.text("in/bad", "!segv\n")
        self.job(UNRULY, "--master=" + self.cluster.address, "--input=" + self.path("in"),
                 "--output=" + self.path("out2"), "--max_attempts=1").finish(1)
        self.millrace(self.cluster, "wait", "1", code=1)
        self.assertEqual(self.state(), "FAILED")

    def test_logs_of_attempts_that_failed(self):
        self.text("in/bad", "!print:last-words !throw\n")
        self.job(UNRULY, "--master=" + self.cluster.address, "--input=" + self.path("in"),
                 "--output=" + self.path("out2"), "--max_attempts=2").finish(1)
        logs = self.millrace(self.cluster, "logs", "1")
        self.assertRegex(logs, r"map-00000 attempt-\S+ on \S+, user_code_failed: .*threw this")
        self.assertIn("\n    last-words\n", logs)
        logs = self.millrace(self.cluster, "logs", "job-1", "map-0", "--json")
        self.assertEqual(["last-words" in log["standard_error"] for log in logs], [True, True])
        self.assertIn("no such attempt", self.millrace(self.cluster, "logs", "1", "map-7"))
        self.millrace(self.cluster, "logs", "99", code=2)

    def test_overwrite_replaces_only_when_the_new_job_publishes(self):
        def run(text, binary=WORDCOUNT, code=0):
            self.text("again/text", text)
            self.job(binary, "--master=" + self.cluster.address, "--input=" + self.path("again"),
                     "--output=" + self.path("kept"), "--reducers=2", "--overwrite",
                     "--max_attempts=1").finish(code)
        run("old words\n")
        run("!segv\n", UNRULY, code=1)
        self.assertEqual(read_output(self.path("kept")), {b"old": 1, b"words": 1})
        run("new\n")
        self.assertEqual(read_output(self.path("kept")), {b"new": 1})

    def test_sigterm_ends_master_and_workers_with_0(self):
        worker = self.worker("--master=" + self.cluster.address)
        worker.send_signal(signal.SIGTERM)
        worker.finish(0)
        self.cluster.send_signal(signal.SIGTERM)
        self.cluster.finish(0)


if __name__ == "__main__":
    cluster.main()
