"""What tests/mutations.py makes of its arguments, and of how a test with a bug in it ended."""

import argparse
import os
import tempfile
import unittest
from unittest import mock

import mutations

TEST = "CoreTest.ItIsSo"
RAN = "[ RUN      ] CoreTest.ItIsSo\n"


class MutationsTest(unittest.TestCase):
    def test_rows(self):
        for text, rows in [("7", [7]), ("B7", [7]), ("7-9", [7, 8, 9]), ("b7-B9", [7, 8, 9]),
                           ("29-", [29, 30])]:
            self.assertEqual(list(mutations.row_range(text)), rows, text)
        for text in ["0", "31", "9-7", "29-31", "seven", "7,8", "-7", ""]:
            with self.assertRaises(argparse.ArgumentTypeError, msg=text):
                mutations.row_range(text)

    def test_only_a_test_that_ran_and_failed_has_noticed_a_bug(self):
        for code in (1, -6, mutations.TOO_LATE):
            self.assertIsNone(mutations.verdict(TEST, code, RAN + "[  FAILED  ] CoreTest.ItIsSo\n"))
        self.assertEqual(mutations.verdict(TEST, 0, RAN + "[       OK ] CoreTest.ItIsSo\n"),
                         "CoreTest.ItIsSo PASSES in spite of it")
        self.assertRegex(mutations.verdict(TEST, 0, "[==========] Running 0 tests\n"),
                         "was not run .exit code 0.:\n.*Running 0 tests")
        self.assertRegex(mutations.verdict(TEST, 127, "no such file\n"), "exit code 127")

    def test_what_takes_too_long_is_ended(self):
        self.assertEqual(mutations.limited(0.01, "sleep", "1000"), (mutations.TOO_LATE, ""))

    def test_a_bug_that_does_not_compile_says_nothing_and_is_taken_out_again(self):
        bug = mutations.MUTATIONS[0]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, bug.file)
            os.makedirs(os.path.dirname(path))
            with open(path, "w") as f:
                f.write("before\n" + bug.old)

            def build(*_):
                self.assertEqual(mutations.read(bug.file, folder), "before\n" + bug.new)
                return 1, "error: what is this?"

            with mock.patch.object(mutations, "bazel", build):
                self.assertRegex(mutations.try_one(folder, bug),
                                 "bazel build ended with 1, .*:\nerror: what is this")
            self.assertEqual(mutations.read(bug.file, folder), "before\n" + bug.old)


if __name__ == "__main__":
    unittest.main()
