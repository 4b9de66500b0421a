#!/usr/bin/env python3
"""The pages about jobs are true: their code is compiled, their commands do what they say."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import page  # noqa: E402

ROOT = os.getcwd()  # of the runfiles
PAGE = page.blocks("docs/writing_a_job.md")


class WritingAJobTest(unittest.TestCase):
    maxDiff = None

    def test_the_code_of_the_page_is_the_code_that_is_compiled(self):
        texts = page.files(PAGE)
        self.assertEqual(sorted(texts), ["tests/docs/BUILD", "tests/docs/anagrams.cc",
                                         "tests/docs/anagrams.h", "tests/docs/anagrams_test.cc"])
        for path, text in texts.items():
            with open(path, encoding="utf-8") as file:
                whole = file.read()
            if path.endswith("BUILD"):  # what is below the line builds the tests of the pages
                whole = whole.split("\n# ----")[0]
            self.assertEqual(text, whole, f"{path} differs from its text in the page")

    def test_the_program_of_the_readme_is_compiled(self):
        texts = page.files(page.blocks("README.md"))
        with open("tests/docs/wordcount.cc", encoding="utf-8") as file:
            self.assertEqual(texts, {"tests/docs/wordcount.cc": file.read()})

    def test_the_commands_of_the_page_print_what_it_says(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "bin"))
            bazel = os.path.join(folder, "bin", "bazel")
            with open(bazel, "w", encoding="utf-8") as file:
                file.write("#!/bin/sh\n")  # everything is built already
            os.chmod(bazel, 0o755)
            os.symlink(ROOT, os.path.join(folder, "bazel-bin"))
            environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}",
                           "TMPDIR": folder}
            commands = [block for block in PAGE if block.kind != "file"]
            for block, following in zip(commands, commands[1:] + [None]):
                if block.kind != "run":
                    continue
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", block.text], cwd=folder,
                                      env=environment, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, f"{block.text}\n{done.stderr}")
                if following and following.kind == "output":
                    self.assertEqual(done.stdout, following.text, done.stderr)


if __name__ == "__main__":
    unittest.main()
