"""A few of scripts/faults: each proves by itself that its fault hit and that the output is right."""

import importlib.machinery
import importlib.util
import json
import os
import re
import subprocess
import sys
import unittest

FOLDER = os.path.abspath("scripts/faults")
ENVIRONMENT = dict(os.environ, MILLRACE_FAULTS_PROGRAMS=os.getcwd())

NEED_ROOT = ("fill_disk", "partition")
UNABLE = re.compile("needs root|gives no namespaces")


def run(script, *arguments):
    return subprocess.run([os.path.join(FOLDER, script), *arguments], env=ENVIRONMENT,
                          capture_output=True, text=True)


def result_of(code, out, err):
    """What scripts/faults/all makes of a script named `stub` that ends like this."""
    os.environ.update(ENVIRONMENT)
    sys.path.insert(0, FOLDER)
    sys.dont_write_bytecode = True
    path = os.path.join(FOLDER, "all")
    spec = importlib.util.spec_from_loader("all", importlib.machinery.SourceFileLoader("all", path))
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program.result_of("stub", subprocess.CompletedProcess([], code, out, err))


class FaultScriptsTest(unittest.TestCase):
    def survives(self, script, *arguments):
        """Runs it; returns what it reports."""
        done = run(script, "--json", *arguments)
        if script in NEED_ROOT and done.returncode == 2 and UNABLE.search(done.stderr):
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def reasons(self, report):
        return {(task.split("-")[0], reason) for task, reason in report["rerun"]}

    def test_a_worker_killed_in_a_map(self):
        report = self.survives("kill_worker", "--at=map")
        self.assertRegex(report["hit"], r"^killed w2 \(pid \d+\) while map-0000\d attempt-1-\d+ on")
        self.assertIn(("map", "worker_lost"), self.reasons(report))

    def test_a_worker_killed_in_a_reduce(self):
        report = self.survives("kill_worker", "--at=reduce")
        self.assertIn(("reduce", "worker_lost"), self.reasons(report))

    def test_a_worker_that_returns(self):
        report = self.survives("pause_worker", "--at=map")
        self.assertIn(("map", "worker_lost"), self.reasons(report))

    def test_a_slow_worker(self):
        self.survives("slow_worker", "--at=map", "--delay=100ms")

    def test_a_frozen_executor(self):
        report = self.survives("freeze_executor", "--at=map")
        self.assertEqual(self.reasons(report), {("map", "speculative")})

    def test_a_master_killed_while_maps_run(self):
        self.assertEqual(self.survives("kill_master", "--at=map")["rerun"], [])

    def test_a_master_that_stands_still(self):
        self.assertEqual(self.survives("pause_master", "--at=map")["rerun"], [])

    def test_all_killed_and_the_workers_back_first(self):
        report = self.survives("kill_all", "--at=map", "--first=workers")
        self.assertIn(("map", "worker_lost"), self.reasons(report))

    def test_a_master_killed_while_it_publishes(self):
        self.assertEqual(self.survives("kill_master", "--at=publish")["rerun"], [])

    def test_a_flipped_bit(self):
        report = self.survives("corrupt_run")
        self.assertIn(("map", "output_lost"), self.reasons(report))

    def test_a_full_disk(self):
        report = self.survives("fill_disk")
        self.assertEqual(self.reasons(report), {("map", "worker_failed")})

    def test_a_worker_cut_off_from_all(self):
        report = self.survives("partition", "--cut=both", "--at=map")
        self.assertIn(("map", "worker_lost"), self.reasons(report))

    def test_two_workers_cut_off_from_each_other(self):
        report = self.survives("partition", "--cut=one_worker", "--at=map")
        self.assertEqual(self.reasons(report), {("reduce", "output_lost")})

    def test_all_takes_for_unable_only_what_says_so(self):
        traceback = "Traceback:\nKeyError: 'w2'\n"
        usage = "usage: stub [-h]\nstub: error: unrecognized arguments: --att=map\n"
        for code, out, err, difference in [
                (1, "", traceback, "exit code 1 and no result: KeyError: 'w2'"),
                (2, "", traceback, "exit code 2 and no result: KeyError: 'w2'"),
                (2, "", usage, "exit code 2 and no result: stub: error: unrecognized arguments: "
                               "--att=map"),
                (-9, "", "", "exit code -9 and no result: "),
                (1, '{"differences": []}', "", "exit code 1"),
                (1, '{"differences": ["a word"]}', "stub: a word\n", "a word")]:
            self.assertEqual(result_of(code, out, err), {"differences": [difference]})
        self.assertEqual(result_of(2, "", "stub: needs root, to make\n"),
                         {"unable": "stub: needs root, to make"})
        survived = {"differences": []}
        self.assertEqual(result_of(0, json.dumps(survived), ""), survived)

    def test_an_unknown_flag_is_a_usage_error(self):
        self.assertEqual(run("kill_worker", "--att=map").returncode, 2)
        self.assertEqual(run("kill_worker", "--at=lunch").returncode, 2)

    def test_each_script_explains_itself(self):
        for name in sorted(os.listdir(FOLDER)):
            if name[0] != "_":
                done = run(name, "--help")
                self.assertEqual(done.returncode, 0, name)
                self.assertIn("exit codes:", done.stdout, name)


if __name__ == "__main__":
    unittest.main()
