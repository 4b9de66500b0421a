"""User code that crashes, exits, throws or leaks costs one attempt, and the report says where."""

import json
import os

import cluster
from cluster import UNRULY, read_output


class UserCodeTest(cluster.ClusterTest):
    limit = "--task_memory_mb=512"

    def run_job(self, *flags, code=0):
        return self.job(UNRULY, "--input=" + self.path("in"), "--output=" + self.path("out"),
                        "--workers=2", "--reducers=2", "--summary_json=" + self.path("summary"),
                        *flags).finish(code)

    def fails_with(self, command, *messages):
        self.text("in/text", "good words\n!print:last-words %s\n" % command)
        job = self.run_job("--max_attempts=2", self.limit, code=1)
        first = job.said().split("\n")[0]
        for message in messages + ("map-00000", self.path("in/text") + ":11"):
            self.assertIn(message, first)
        self.assertIn("last-words", job.said())
        with open(self.path("summary")) as f:
            summary = json.load(f)
        self.assertEqual((summary["state"], summary["attempts"]["failed"]), ("FAILED", 2))
        self.assertEqual(summary["workers"]["lost"], 0, "no worker is lost by user code")
        self.assertFalse(os.path.exists(self.path("out")), "a failed job leaves no output")
        self.assertEqual(os.listdir(self.tmp), [])

    def test_a_segmentation_fault_is_named_with_its_record(self):
        self.fails_with("!segv", "SIGSEGV")

    def test_an_abort_is_named_with_its_record(self):
        self.fails_with("!abort", "SIGABRT")

    def test_a_leak_is_named_with_its_record_and_its_limit(self):
        self.limit = "--task_memory_mb=64"
        self.fails_with("!leak", "memory", self.limit)

    def test_an_exit_is_named_with_its_record(self):
        self.fails_with("!exit:3", "exited with 3")

    def test_an_exit_with_zero_is_a_failure_too(self):
        self.fails_with("!exit:0", "exited with 0")

    def test_an_exception_is_named_with_its_record(self):
        self.fails_with("!throw", "the mapper threw this")

    def test_one_failure_costs_one_attempt(self):
        self.text("once", "")
        self.text("in/text", "good words !once:%s:!segv more\n" % self.path("once"))
        self.run_job()
        self.assertEqual(read_output(self.path("out")), {b"good": 1, b"words": 1, b"more": 1})
        with open(self.path("summary")) as f:
            summary = json.load(f)
        self.assertEqual(summary["attempts"]["failed"], 1)
        self.assertEqual(summary["reasons"]["user_failure"], 1)

    def test_children_of_user_code_end_with_the_job(self):
        self.text("in/text", "!fork words\n")
        self.run_job()  # tearDown finds what was left behind

    def test_user_code_knows_its_task(self):
        self.text("in/text", "!env:MILLRACE_TASK !env:MILLRACE_JOB !env:MILLRACE_INPUT_FILE\n")
        self.run_job()
        self.assertEqual(set(read_output(self.path("out"))),
                         {b"MILLRACE_TASK=map-00000", b"MILLRACE_JOB=job-1",
                          b"MILLRACE_INPUT_FILE=" + self.path("in/text").encode()})

    def test_map_only_writes_one_part_per_map_in_input_order(self):
        self.text("in/text", "b a\nc a\n")
        self.job(UNRULY, "--input=" + self.path("in"), "--output=" + self.path("out"),
                 "--reducers=0", "--workers=1").finish()
        with open(self.path("out/part-00000-of-00001")) as f:
            self.assertEqual(f.read(), "b\t1\na\t1\nc\t1\na\t1\n")


if __name__ == "__main__":
    cluster.main()
