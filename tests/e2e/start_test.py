"""How masters and workers start, say that they are ready, refuse what cannot work, and end."""

import os
import resource
import signal

import cluster
from cluster import MASTER, WORDCOUNT, WORKER, count, read_output


class StartTest(cluster.ClusterTest):
    def refused(self, argv, says, **kwargs):
        """It exits 2 and says why, and has told nobody that it is ready."""
        process = self.start("refused", argv, **kwargs).finish(2)
        for text in says:
            self.assertIn(text, process.said())
        self.assertNotIn("listens on", process.said())
        self.assertNotIn("waits on", process.said())

    def master_refused(self, *flags, says):
        defaults = ["--listen=127.0.0.1:0"]
        if not any(flag.startswith("--state_dir") for flag in flags):
            defaults.append("--state_dir=" + self.path("state"))
        self.refused([MASTER, *defaults, *flags], says)
        self.assertFalse(os.path.exists(self.path("state")), "nothing was done")

    def worker_refused(self, *flags, says):
        self.refused([WORKER, "--listen=127.0.0.1:0", *flags], says)
        self.assertEqual(os.listdir(self.tmp), [], "nothing was done")

    # --- Ready ---

    def test_a_ready_file_has_the_real_address_and_goes_at_the_end(self):
        master = self.master("--http=127.0.0.1:0")
        self.assertEqual(master.ready["pid"], master.pid)
        self.assertRegex(master.ready["listen"], r"^127\.0\.0\.1:[1-9]\d*$")
        self.assertRegex(master.ready["http"], r"^127\.0\.0\.1:[1-9]\d*$")
        worker = self.worker("--listen=127.0.0.1:0", "--name=red")
        self.assertEqual((worker.ready["pid"], worker.ready["name"]), (worker.pid, "red"))
        self.assertRegex(worker.ready["listen"], r"^127\.0\.0\.1:[1-9]\d*$")
        for process in (worker, master):
            ready = process.args[-1].partition("=")[2]
            self.assertTrue(os.path.exists(ready))
            process.send_signal(signal.SIGTERM)
            process.finish(0)
            self.assertFalse(os.path.exists(ready))

    def test_a_listening_worker_says_where_it_really_listens(self):
        worker = self.worker("--listen=127.0.0.1:0", "--slots=1")
        self.assertIn("worker with 1 slot waits on %s for" % worker.ready["listen"], worker.said())

    # --- Places that cannot be used ---

    def test_a_place_that_cannot_be_used_is_a_usage_error(self):
        file = self.text("file", "in the way")
        nowhere, below = self.path("nowhere/ready"), file + "/below"
        self.master_refused("--state_dir=" + below, says=["--state_dir: " + file, "choose"])
        self.master_refused("--ready_file=" + nowhere, says=["--ready_file: ", "nowhere", "name a"])
        self.master_refused("--ready_file=" + self.tmp, says=["--ready_file: " + self.tmp])
        self.master_refused("--workers=1", "--scratch_dir=" + below, says=["--scratch_dir: " + file])
        self.worker_refused("--scratch_dir=" + below, says=["--scratch_dir: " + file, "name another"])
        self.worker_refused("--ready_file=" + nowhere, says=["--ready_file: ", "nowhere", "name a"])
        self.worker_refused("--ready_file=" + self.tmp, says=["--ready_file: " + self.tmp])

    def test_a_place_that_is_not_writable_is_a_usage_error(self):
        mine = self.path("mine")
        os.mkdir(mine, 0o555)
        # Root writes everywhere by this capability. Without it it is a user like others; another
        # user cannot be had where, as in a test's sandbox, only one exists.
        user = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
        master = user + [MASTER, "--listen=127.0.0.1:0"]
        worker = user + [WORKER, "--listen=127.0.0.1:0"]
        state = "--state_dir=" + self.path("state")
        self.refused(master + ["--state_dir=" + mine], ["--state_dir: " + mine, "ermission"])
        self.refused(master + ["--state_dir=" + mine + "/new"], ["--state_dir: " + mine, "ermission"])
        self.refused(master + [state, "--ready_file=" + mine + "/ready"],
                     ["--ready_file: " + mine, "ermission"])
        self.refused(master + [state, "--workers=1", "--scratch_dir=" + mine],
                     ["--scratch_dir: " + mine, "ermission"])
        self.refused(worker + ["--scratch_dir=" + mine], ["--scratch_dir: " + mine, "ermission"])
        self.refused(worker + ["--ready_file=" + mine + "/ready"],
                     ["--ready_file: " + mine, "ermission"])
        self.assertFalse(os.path.exists(self.path("state")), "nothing was done")
        self.assertEqual(os.listdir(self.tmp) + os.listdir(mine), [], "nothing was done")

    # --- Names ---

    def test_a_name_that_spoils_tables_is_a_usage_error(self):
        for name in ("", "red blue", "red\tblue", "red\n", "r" * 101, "r\u00f6t"):
            self.worker_refused("--name=" + name, says=["--name: a worker's name has 1 to 100 visible"])

    # --- Few open files ---

    def test_with_few_open_files_much_is_merged_in_passes(self):
        def limited():
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        for i in range(150):  # as many maps
            self.text("in/%d" % i, "some words and word%d\n" % i)
        paths = [self.path("in", name) for name in os.listdir(self.path("in"))]
        for workers in ("--workers=2", "--workers=inline"):
            out = self.path("out" + workers)
            self.job(WORDCOUNT, "--input=" + self.path("in"), "--output=" + out, "--reducers=2",
                     workers, preexec_fn=limited).finish()
            self.assertEqual(read_output(out), count(paths))

    def test_a_worker_takes_all_the_open_files_that_it_may_have(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        worker = self.worker("--listen=127.0.0.1:0", preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (100, hard)))
        self.assertEqual(resource.prlimit(worker.pid, resource.RLIMIT_NOFILE)[0], min(hard, 65536))

    def test_too_few_open_files_for_the_slots_is_a_usage_error(self):
        self.refused([WORKER, "--listen=127.0.0.1:0", "--slots=16"],
                     ["a worker with 16 slots needs 160 open files, and 128 are allowed",
                      "ulimit -n 160"],
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128)))


if __name__ == "__main__":
    cluster.main()
