"""Word count with real processes, in all three ways of starting a cluster, against the oracle."""

import glob
import json
import os
import signal

import cluster
from cluster import UNRULY, WORDCOUNT, count, fields, letters, read_output


class WordCountTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        words = b"".join(b"word%d of the %d\n" % (i * i % 9973, i % 7) for i in range(60000))
        self.text("in/words", words)
        self.text("in/empty", "")
        self.text("in/no-newline", "the last line has no end")
        self.text("in/windows", "one two\r\nthree one\r\n")
        self.text("in/bytes", bytes(range(256)) * 50 + b"\n na\xc3\xafve \xc3\xa9t\xc3\xa9\xff\xfeend")
        self.text("in/deep/er/long", b"x" * (3 << 20) + b" " + b"y" * 100)
        self.text("in/_hidden", "never read")
        self.text("in/.hidden", "never read")
        self.inputs = [os.path.join(folder, name)
                       for folder, _, names in os.walk(self.path("in"))
                       for name in names if name[0] not in "._"]

    def check(self, output, tokens=fields):
        want = count(self.inputs, tokens)
        self.assertEqual(read_output(output), want)

    def summary(self, path):
        with open(path) as f:
            return json.load(f)

    def test_a_local_cluster_of_1_2_and_4_workers_counts_as_the_oracle(self):
        for workers in (1, 2, 4):
            out = self.path("out%d" % workers)
            s = self.path("summary%d" % workers)
            self.job(WORDCOUNT, "--input=" + self.path("in"), "--output=" + out, "--reducers=5",
                     "--split_mb=1", "--workers=%d" % workers, "--summary_json=" + s).finish()
            self.check(out)
            summary = self.summary(s)
            self.assertEqual(summary["state"], "SUCCEEDED")
            self.assertEqual(summary["workers"], {"joined": workers, "lost": 0})
            self.assertEqual(summary["tasks"]["reduce"], 5)
            self.assertEqual(summary["attempts"]["total"], sum(summary["tasks"].values()))
            self.assertEqual(os.listdir(self.tmp), [], "a local cluster leaves nothing behind")

    def test_inline_counts_as_the_oracle(self):
        self.job(WORDCOUNT, "--input=" + self.path("in"), "--output=" + self.path("out"),
                 "--reducers=3", "--workers=inline").finish()
        self.check(self.path("out"))

    def test_letters_are_unicode_letters(self):
        self.job(WORDCOUNT, "--input=" + self.path("in"), "--output=" + self.path("out"),
                 "--tokens=letters", "--workers=2").finish()
        self.check(self.path("out"), letters)

    def test_shuffle_over_the_network_gives_the_same_bytes(self):
        parts = {}
        for shuffle in ("auto", "network"):
            out = self.path("out-" + shuffle)
            self.job(WORDCOUNT, "--input=" + self.path("in"), "--output=" + out, "--workers=3",
                     "--reducers=4", "--split_mb=1", "--shuffle=" + shuffle).finish()
            self.check(out)
            parts[shuffle] = [open(p, "rb").read() for p in sorted(glob.glob(out + "/part-*"))]
        self.assertEqual(parts["auto"], parts["network"])

    def test_a_master_with_four_local_workers(self):
        master = self.master("--workers=4")
        self.workers_joined(master, 4)
        log = self.path("joblog")
        self.job(WORDCOUNT, "--master=" + master.address, "--input=" + self.path("in"),
                 "--output=" + self.path("out"), "--reducers=40", "--split_mb=1",
                 "--shuffle=network", "--joblog=" + log).finish()
        self.check(self.path("out"))
        pids = {w["pid"] for w in self.millrace(master, "workers", "--json")}
        self.assertEqual(len(pids), 4)
        with open(log) as f:
            header, *lines = [line.rstrip("\n").split("\t") for line in f]
        used = {int(line[header.index("pid")]) for line in lines}
        self.assertEqual(used, pids, "every worker process ran attempts")

    def test_workers_that_listen_are_dialled(self):
        workers = [self.worker("--listen=127.0.0.1:0", "--slots=1") for _ in range(2)]
        master = self.master("--workers=" + ",".join(w.ready["listen"] for w in workers))
        self.workers_joined(master, 2)
        self.job(WORDCOUNT, "--master=" + master.address, "--input=" + self.path("in"),
                 "--output=" + self.path("out"), "--reducers=20", "--shuffle=network").finish()
        self.check(self.path("out"))
        jobs = self.millrace(master, "jobs", "--json")
        attempts = self.millrace(master, "attempts", str(jobs[0]["job"]), "--json")
        self.assertEqual({a["worker_pid"] for a in attempts}, {w.pid for w in workers})

    def test_workers_that_dial_in(self):
        master = self.master()
        for _ in range(2):
            self.worker("--master=" + master.address, "--slots=2")
        self.job(WORDCOUNT, "--master=" + master.address, "--input=" + self.path("in"),
                 "--output=" + self.path("out"), "--shuffle=network").finish()
        self.check(self.path("out"))

    def test_1_2_and_4_workers_in_all_three_ways_of_starting_them(self):
        def local(number):
            return self.master("--workers=%d" % number)

        def dialled(number):
            workers = [self.worker("--listen=127.0.0.1:0", "--slots=1") for _ in range(number)]
            return self.master("--workers=" + ",".join(w.ready["listen"] for w in workers))

        def dialling(number):
            master = self.master()
            for _ in range(number):
                self.worker("--master=" + master.address, "--slots=1")
            return master

        small = [self.path("in/windows"), self.path("in/bytes")]
        for way in (local, dialled, dialling):
            for number in (1, 2, 4):
                with self.subTest(way=way.__name__, workers=number):
                    out, s = [self.path("%s-%s-%d" % (what, way.__name__, number))
                              for what in ("out", "summary")]
                    master = way(number)
                    self.assertEqual(len(self.workers_joined(master, number)), number)
                    self.job(WORDCOUNT, "--master=" + master.address, "--input=" + ",".join(small),
                             "--output=" + out, "--reducers=5", "--summary_json=" + s).finish()
                    self.assertEqual(read_output(out), count(small))
                    self.assertEqual(self.summary(s)["workers"], {"joined": number, "lost": 0})

    def test_flags_of_the_client_hold_on_a_worker_with_another_folder(self):
        master = self.master()
        os.mkdir(self.path("elsewhere"))
        self.worker("--master=" + master.address, cwd=self.path("elsewhere"))
        self.job(WORDCOUNT, "--master=" + master.address, "--input=in", "--output=out",
                 "--tokens=letters", cwd=self.folder).finish()
        self.check(self.path("out"), letters)

    def test_relative_paths_are_those_of_the_person_under_bazel_run(self):
        environment = dict(self.environment, BUILD_WORKING_DIRECTORY=self.folder)
        self.job(WORDCOUNT, "--input=in", "--output=out", "--workers=1", env=environment,
                 cwd="/").finish()
        self.check(self.path("out"))

    def test_no_input_bytes_give_empty_parts(self):
        self.job(WORDCOUNT, "--input=" + self.path("in/empty"), "--output=" + self.path("out"),
                 "--reducers=3", "--workers=1").finish()
        self.assertEqual(read_output(self.path("out")), {})
        self.assertEqual(len(cluster.part_names(self.path("out"))), 3)

    def test_several_clients_share_the_cluster(self):
        master = self.master("--workers=2")
        jobs = [self.job(WORDCOUNT, "--master=" + master.address, "--input=" + self.path("in"),
                         "--output=" + self.path("out%d" % i), "--reducers=3") for i in range(5)]
        for i, job in enumerate(jobs):
            job.finish()
            self.check(self.path("out%d" % i))

    def test_a_small_job_is_not_kept_waiting_by_a_large_one(self):
        # The large job has a map for each of eight files. One stands at the first gate until the
        # small job is accepted, all others at the last one until the small job has ended. Were
        # slots given in the order of submission, the small job would never get one.
        first, last = cluster.Gate(self.path("first")), cluster.Gate(self.path("last"))
        for i in range(8):
            line = (first if i == 0 else last).word + " word\n"
            self.text("held/%d" % i, line + "x" * ((1 << 20) - len(line)))
        master = self.master()
        for _ in range(2):
            self.worker("--master=" + master.address, "--slots=1")
        self.workers_joined(master, 2)
        large = self.job(UNRULY, "--master=" + master.address, "--input=" + self.path("held"),
                         "--output=" + self.path("large"), "--split_mb=1", "--reducers=1")
        first.meet()
        last.meet()
        small = self.job(UNRULY, "--master=" + master.address,
                         "--input=" + self.path("in/windows"), "--output=" + self.path("small"),
                         "--reducers=0", "--detach").finish().output().strip()
        first.open()
        self.millrace(master, "wait", small)
        attempts = self.millrace(master, "attempts", "1", "--json")
        self.assertIn("running", {a["cause"] for a in attempts}, "the large job is at its gate")
        self.assertIsNone(large.poll())
        last.open()
        large.finish()
        self.assertEqual(read_output(self.path("large"))[b"word"], 8)
        self.assertEqual({j["state"] for j in self.millrace(master, "jobs", "--json")},
                         {"SUCCEEDED"})

    def test_a_worker_that_comes_back_ends_what_was_cancelled_meanwhile(self):
        gate = cluster.Gate(self.path("gate"))
        self.text("in2/held", gate.word + " held\n")
        master = self.master("--lease=500ms")
        worker = self.worker("--master=" + master.address, "--slots=1")
        self.workers_joined(master, 1)
        job = self.job(UNRULY, "--master=" + master.address, "--input=" + self.path("in2"),
                       "--output=" + self.path("out"), "--reducers=1")
        gate.meet()
        worker.send_signal(signal.SIGSTOP)
        master.wait_to_say("silent for longer than its lease")
        self.millrace(master, "cancel", "1")
        job.finish(4)
        worker.send_signal(signal.SIGCONT)
        worker.send_signal(signal.SIGTERM)
        worker.finish(0)  # it drains, although nobody has opened the gate
        gate.open()

    def test_a_killed_worker_costs_nothing_but_time(self):
        gate = cluster.Gate(self.path("gate"))
        self.text("in2/held", gate.word + " held\n")
        self.text("in2/more", "some other words\n" * 1000)
        master = self.master()
        workers = {w.pid: w for w in [self.worker("--master=" + master.address, "--slots=1")
                                      for _ in range(3)]}
        self.workers_joined(master, 3)
        s = self.path("summary")
        job = self.job(UNRULY, "--master=" + master.address, "--input=" + self.path("in2"),
                       "--output=" + self.path("out"), "--reducers=4", "--shuffle=network",
                       "--summary_json=" + s)
        gate.meet()
        attempts = self.millrace(master, "attempts", "1", "--json")
        running = [a for a in attempts if a["cause"] == "running"]
        self.assertEqual(len(running), 1, "the attempt at the gate is running")
        os.kill(running[0]["worker_pid"], signal.SIGKILL)
        workers[running[0]["worker_pid"]].wait()
        gate.open()
        job.finish()
        want = count([self.path("in2/held"), self.path("in2/more")])
        del want[gate.word.encode()]
        self.assertEqual(read_output(self.path("out")), want)
        summary = self.summary(s)
        self.assertEqual(summary["workers"], {"joined": 3, "lost": 1})
        self.assertEqual(summary["attempts"]["lost"], 1)
        self.assertEqual(summary["reasons"]["worker_lost"], 1)


if __name__ == "__main__":
    cluster.main()
