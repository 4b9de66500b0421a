#!/usr/bin/python3
"""scripts/quickstart on files of its own, as somebody who stands in another folder runs it.

Builds what quickstart builds with the bazel server that is there, so scripts/test runs it and bazel
does not. Run by Debian's python3, not one from `env`, which may be a wrapper that changes PATH: for
bazel that is another environment, in which everything is built again.
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
QUICKSTART = os.path.join(ROOT, "scripts/quickstart")
WORDS = "zero one two three four five six seven eight nine ten eleven".split()


class QuickstartTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        os.makedirs(self.path("tmp"))
        os.makedirs(self.path("texts/more"))
        # "one" once, "two" twice, ... over a file and a folder, whose names are no simple ones.
        with open(self.path("texts/a file"), "w") as f:
            f.write(" ".join(word for n, word in enumerate(WORDS) for _ in range(n)))
        with open(self.path("texts/more/eleven"), "w") as f:
            f.write("eleven\n")
        self.environment = dict(os.environ, TMPDIR=self.path("tmp"))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def quickstart(self, *arguments, code=0):
        done = subprocess.run([QUICKSTART, *arguments], cwd=self.path("texts"), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, env=self.environment)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def output_folders(self):
        return set(glob.glob(self.path("tmp/millrace-quickstart.*")))

    def check(self, done, folder):
        """What a person sees: steps, progress, ten words, a summary, and files that are there."""
        steps = [int(n) for n in re.findall(r"(?m)^(\d)\. ", done.stdout)]
        self.assertEqual(steps, [1, 2, 3, 4, 5, 6])
        self.assertRegex(done.stdout, r"(?m)^   Killed with signal 9 while it ran: .*task=map-00000 ")
        self.assertIn("All 8 parts are equal, to the byte.", done.stdout)
        self.assertRegex(done.stderr, r"map 1/1  reduce \d+/\d+  SUCCEEDED")
        self.assertRegex(done.stderr, r"(?m)^  workers +\d joined, 1 lost$")
        counted = re.findall(r"(?m)^ +(\d+)  (\w+)$", done.stdout)
        # The folder has "eleven" once more.
        most_frequent = [(str(n), WORDS[n]) for n in range(10, 1, -1)]
        self.assertEqual(counted, [("12", "eleven")] + most_frequent)
        with open(os.path.join(folder, "by-count")) as f:
            self.assertEqual(len(f.readlines()), 11, "every word but zero")
        with open(os.path.join(folder, "summary.json")) as f:
            summary = json.load(f)
        self.assertEqual(summary["state"], "SUCCEEDED")
        self.assertEqual(summary["reasons"]["worker_lost"], 1)

    def next_commands(self, done, heading):
        """The commands that are shown below that line."""
        block = done.stdout.partition(heading)[2].partition("\n\n")[0]
        return [line.strip() for line in block.splitlines()[1:]]

    def test_twice_from_another_folder(self):
        done = self.quickstart("a file", "more")
        [first] = self.output_folders()
        self.check(done, first)
        again = self.quickstart("a file", "more")
        [second] = self.output_folders() - {first}
        self.check(again, second)
        self.check_what_to_try_next(again)

    def check_what_to_try_next(self, done):
        self.assertIn("6. Try next, from " + ROOT, done.stdout)
        for command in self.next_commands(done, "Break something else"):
            self.assertTrue(os.access(os.path.join(ROOT, command.split()[0]), os.X_OK), command)
        for command in self.next_commands(done, "A cluster that stays"):
            self.assertRegex(command, r"^bazel run //(master|apps/wordcount|client:millrace) -- ")

    def test_what_cannot_be_counted_is_a_usage_error(self):
        self.assertIn("cannot read missing", self.quickstart("missing", code=2).stderr)
        self.assertIn("unknown flag --fast", self.quickstart("--fast", code=2).stderr)
        self.assertEqual(self.output_folders(), set())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
