#!/usr/bin/env python3
"""Checks that what the documents name is there.

    scripts/check_documents.py

In every page: links to files, and paths of files and folders in backticks. In ARCHITECTURE.md also
the names of tests in backticks. Prints `page:line: what` and exits 1 if anything is missing.
"""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = "apps|client|docs|mapreduce|master|rpc|scripts|storage|tests|worker"
PATH = re.compile(rf"`((?:{FOLDERS})/[\w./-]*\w/?)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
TEST = re.compile(r"`(test_\w+|[A-Z][A-Za-z0-9]{14,})`")


def listed():
    names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                           cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [name for name in names if name and os.path.isfile(os.path.join(ROOT, name))]


def names_of_tests(files):
    found = set()
    for name in files:
        if name.endswith(("_test.cc", "_test.py", "_contract.h")):
            with open(os.path.join(ROOT, name), encoding="utf-8") as file:
                text = file.read()
            found.update(re.findall(r"\b(?:TEST\w*|RC_\w*PROP)\(\s*\w+,\s*(\w+)", text))
            found.update(re.findall(r"\bdef (test_\w+)", text))
    return found


def check_page(page, text, tests):
    """Yields (line, what) for each thing that the page names and that is not there."""
    folder = os.path.dirname(page)
    fenced = False
    for number, line in enumerate(text.split("\n"), 1):
        fenced ^= line.startswith("```")
        if fenced:
            continue
        for path in PATH.findall(line):
            if not os.path.exists(os.path.join(ROOT, path)):
                yield number, f"there is no {path}"
        for path in LINK.findall(line):
            if not os.path.exists(os.path.join(ROOT, folder, path)):
                yield number, f"a link to {path}, which is not there"
        if page == "ARCHITECTURE.md" and line.startswith("|"):
            for test in TEST.findall(line.rsplit("|", 2)[-2]):
                if test not in tests:
                    yield number, f"there is no test {test}"


def main():
    files = listed()
    tests = names_of_tests(files)
    count = 0
    for page in (name for name in files if name.endswith(".md")):
        with open(os.path.join(ROOT, page), encoding="utf-8") as file:
            for line, what in check_page(page, file.read(), tests):
                print(f"{page}:{line}: {what}")
                count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
