"""What is told of a job afterwards: its recovery ledger, the lineage of a task, and a diagnosis."""

import json
import os
import signal

import cluster
from cluster import UNRULY, read_output


class LedgerTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.state = "--state_dir=" + self.path("state-of-master")
        self.cluster = self.master(self.state)

    def workers(self, *names):
        started = [self.worker("--master=" + self.cluster.address, "--slots=1", "--name=" + name)
                   for name in names]
        self.workers_joined(self.cluster, len(names))
        return {process.pid: (name, process) for name, process in zip(names, started)}

    def run_job(self, *flags, output="out"):
        return self.job(UNRULY, "--master=" + self.cluster.address, "--input=" + self.path("in"),
                        "--output=" + self.path(output), "--reducers=1", *flags)

    def ask(self, *arguments):
        return self.millrace(self.cluster, *arguments, "--json")

    def restart_master(self):
        self.cluster.send_signal(signal.SIGTERM)
        self.cluster.finish(0)
        self.cluster = self.master(self.state)

    def test_a_worker_killed_in_a_map_is_one_entry_that_lasts(self):
        gate = cluster.Gate(self.path("gate"))
        text = self.text("in/text", "before %s after\n" % gate.word)
        workers = self.workers("red", "blue")
        job = self.run_job("--summary_json=" + self.path("summary"))
        gate.meet()
        running = self.ask("lineage", "1", "map-0")
        self.assertEqual((running["state"], running["winner"]), ("running", None))
        self.assertEqual(running["split"],
                         [{"file": text, "offset": 0, "length": os.path.getsize(text)}])
        self.assertEqual([s["state"] for s in self.ask("lineage", "1", "reduce-0")["sources"]],
                         ["being_made"])
        name, process = workers[running["attempts"][0]["worker_pid"]]
        process.kill()
        gate.open()
        job.finish()
        self.assertEqual(read_output(self.path("out")), {b"before": 1, b"after": 1})

        with open(self.path("summary")) as f:
            summary = json.load(f)
        self.assertEqual(len(summary["recovery"]), 1, summary["recovery"])
        entry = dict(summary["recovery"][0])
        self.assertGreater(entry.pop("noticed_s"), 0)
        self.assertGreater(entry.pop("noticed_unix_ms"), summary["submitted_unix_ms"])
        self.assertGreaterEqual(entry.pop("cpu_s_again"), 0)
        self.assertEqual(entry, {
            "what": "worker_lost", "noticed_by": "connection_closed", "subject": name,
            "attempts_lost": 1, "outputs_lost": 0, "bytes_again": os.path.getsize(text)})
        self.assertIn("worker %s was lost after" % name, self.millrace(self.cluster, "job", "1"))

        lineage = self.ask("lineage", "1", "map-00000")
        self.assertEqual([(a["reason"], a["cause"]) for a in lineage["attempts"]],
                         [("first", "worker_lost"), ("worker_lost", "succeeded")])
        self.assertEqual(lineage["winner"], lineage["attempts"][1]["attempt"])
        source, = self.ask("lineage", "1", "reduce-00000")["sources"]
        self.assertEqual((source["attempt"], source["state"]), (lineage["winner"], "released"))
        diagnosis = self.ask("diagnose", "1")
        self.assertEqual(diagnosis["kind"], "succeeded")
        self.assertEqual(len(diagnosis["notes"]), 1, diagnosis["notes"])

        self.restart_master()
        self.assertEqual(self.ask("job", "1")["recovery"], summary["recovery"])
        lineage = self.ask("lineage", "1", "map-00000")
        self.assertEqual((lineage["state"], lineage["attempts"]), ("unknown", []))
        self.assertIn("forgotten", lineage["forgotten"])

    def test_what_user_code_did_is_diagnosed(self):
        self.workers("red")
        commands = (("!segv", "crash"), ("!exit:3", "exit_without_result"),
                    ("!throw", "user_code"), ("!leak", "memory_limit"))
        for number, (command, kind) in enumerate(commands, start=1):
            text = self.text("in/text", "good words\n!print:last-words %s\n" % command)
            self.run_job("--max_attempts=1", "--task_memory_mb=64",
                         output="out-%d" % number).finish(1)
            diagnosis = self.ask("diagnose", str(number))
            self.assertEqual(diagnosis["kind"], kind, diagnosis)
            self.assertEqual((diagnosis["task"], diagnosis["worker_name"]), ("map-00000", "red"))
            self.assertIn(" in map-00000 (attempt-", diagnosis["line"])
            self.assertIn(text + ":11", diagnosis["line"])
            self.assertIn("last-words", diagnosis["stderr"])
        text = self.millrace(self.cluster, "diagnose", "1")
        self.assertIn("its last lines\n  last-words\n", text)
        self.restart_master()  # attempts are forgotten, and the job's error is not
        self.assertEqual(self.ask("diagnose", "1")["kind"], "crash")

    def test_a_job_without_workers_waits_for_them(self):
        self.text("in/text", "words\n")
        job = self.run_job("--detach").finish().output().strip()
        self.assertIn("waiting for workers: 0 joined", self.ask("diagnose", job)["line"])
        self.assertEqual(self.ask("lineage", job, "map-00000")["state"], "waiting")
        for arguments in (("lineage", "99", "map-00000"), ("lineage", job, "map-00001"),
                          ("lineage", job, "map"), ("lineage", job), ("diagnose", "99"),
                          ("diagnose",)):
            self.millrace(self.cluster, *arguments, code=2)
        self.workers("red")
        self.millrace(self.cluster, "wait", job)


if __name__ == "__main__":
    cluster.main()
