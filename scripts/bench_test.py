#!/usr/bin/env python3
"""Which benchmarks scripts/bench runs. The benchmarks, bazel and apt are stubs that write down how
they were called."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
WORKLOADS = "tests/bench/workloads_bench.py"
PAGE = "tests/bench/benchmarks_page.py"
WORDCOUNT = "tests/bench/wordcount_bench.py"
FAULTS = "tests/bench/faults_bench.py"
SCALE = "tests/bench/scale_bench.py"
SCHEDULER = "bazel run //tests/bench:scheduler_bench --"
RPC = "bazel run //tests/bench:rpc_bench --"
ENGINE = "bazel run //tests/bench:engine_bench --"


class BenchTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        self.calls = os.path.join(self.root, "calls")
        self.stub("scripts/install_dependencies")
        for name in (WORKLOADS, PAGE, WORDCOUNT, FAULTS, SCALE):
            self.stub(name)
        self.stub("bin/bazel")
        shutil.copy(os.path.join(HERE, "bench"), self.path("scripts/bench"))

    def path(self, name):
        return os.path.join(self.root, name)

    def stub(self, name, exit_code=0):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as f:
            f.write('#!/bin/sh\necho "%s $*" >>"%s"\nexit %d\n' %
                    (name.replace("bin/", ""), self.calls, exit_code))
        os.chmod(self.path(name), 0o755)

    def bench(self, *arguments, code=0):
        """Runs scripts/bench from another folder; returns what it said."""
        path = self.path("bin") + ":" + os.environ["PATH"]
        done = subprocess.run([self.path("scripts/bench"), *arguments], cwd="/", text=True,
                              env=dict(os.environ, PATH=path), capture_output=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout + done.stderr

    def ran(self):
        """How benchmarks were called, in order; what was installed and built is left out."""
        if not os.path.exists(self.calls):
            return []
        with open(self.calls) as f:
            return [line.strip() for line in f
                    if line.startswith(("tests/bench/", "bazel run"))]

    def test_without_a_name_it_runs_all_workloads_and_writes_the_page(self):
        self.bench()
        ran = self.ran()
        for name in ("words", "letters", "zipf", "rare", "sort", "grep", "inverted_index",
                     "streaming", "small_files", "growth"):
            self.assertEqual(ran.pop(0), f"{WORKLOADS} {name}")
        self.assertEqual(ran, [SCALE, WORDCOUNT, SCHEDULER, RPC, PAGE])

    def test_a_workload_by_name_leaves_the_page_as_it_is(self):
        self.bench("sort", "growth")
        self.bench("words", "--runs=1")
        self.assertEqual(self.ran(), [WORKLOADS + " sort", WORKLOADS + " growth",
                                      WORKLOADS + " words --runs=1"])

    def test_several_names_run_in_their_order(self):
        self.bench("scheduler", "wordcount")
        self.assertEqual(self.ran(), [SCHEDULER, WORDCOUNT])

    def test_one_name_takes_flags_of_its_own(self):
        self.bench("wordcount", "--runs=1", "--only=memory")
        self.bench("engine", "--", "FILE")
        self.bench("faults", "--only=notice")
        self.assertEqual(self.ran(), [WORDCOUNT + " --runs=1 --only=memory", ENGINE + " FILE",
                                      FAULTS + " --only=notice"])

    def test_flags_that_belong_to_no_single_benchmark_are_a_usage_error(self):
        self.assertIn("'--runs=1'", self.bench("--runs=1", code=2))
        self.assertIn("'--runs=1'", self.bench("wordcount", "scheduler", "--runs=1", code=2))
        self.assertFalse(os.path.exists(self.calls), "nothing was done")

    def test_an_unknown_name_lists_those_that_are_there(self):
        said = self.bench("wordcount", "nonsense", code=2)
        self.assertIn("no benchmark 'nonsense'; there are: words letters zipf", said)
        self.assertIn("scale wordcount scheduler rpc engine faults", said)
        self.assertFalse(os.path.exists(self.calls), "nothing was done")

    def test_one_that_misses_its_targets_does_not_keep_others_from_running(self):
        self.stub(WORDCOUNT, exit_code=1)
        self.bench("wordcount", "scheduler", code=1)
        self.assertEqual(self.ran(), [WORDCOUNT, SCHEDULER])

    def test_help(self):
        self.assertIn("scripts/bench NAME...", self.bench("--help"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
