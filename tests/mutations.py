#!/usr/bin/env python3
"""Shows that the tests named in docs/known_failures.md hold what they are there for: puts one bug
at a time into a copy of the sources and expects the test to fail.

    tests/mutations.py              all of them, minutes
    tests/mutations.py ROW...       those of these rows, as 7 or B7
    tests/mutations.py --list
    tests/mutations.py --check      builds nothing: every line to break and every test is there, and
                                    the page and the table (tests/mutation_table.py) agree

Prints one line a bug; exit 1 if a test passes in spite of its bug, or what should be there is not.
The copy lies in a temporary folder; the checkout is not touched.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tests"), os.path.join(ROOT, "tests/sim")]
from deliberate_bugs import copy_sources  # noqa: E402
from mutation_table import MUTATIONS  # noqa: E402

PAGE = "docs/known_failures.md"
ROWS = range(1, 31)
TESTS_FAILED = 3  # Bazel's exit code when everything was built


def read(path, root=ROOT):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


# ---- What is there -------------------------------------------------------------------------------


def has_test(text, test):
    suite, _, name = test.partition(".")
    return re.search(r"^(?:TEST\w*|RC_GTEST_\w*PROP)\(\s*%s,\s*%s[,)]" % (suite, name), text,
                     re.MULTILINE) is not None


def file_of(label):
    """'//a/b:c_test' -> 'a/b/c_test', which has a .cc or a .py."""
    return label[2:].replace(":", "/")


def check_target(label, test):
    """Yields what is missing of a test that is named with its target."""
    package = label[2:].partition(":")[0]
    path = os.path.join(ROOT, file_of(label))
    source = next((path + end for end in (".cc", ".py") if os.path.isfile(path + end)), None)
    build = os.path.join(package, "BUILD")
    if source is None or f'"{label.partition(":")[2]}"' not in read(build):
        yield f"there is no {label}"
    elif source.endswith(".py"):
        if f"def {test}(" not in read(source):
            yield f"{label} has no {test}"
    elif not has_test(read(source), test):
        yield f"{label} has no {test}"


def check_mutation(mutation):
    yield from check_target(mutation.target, mutation.test)
    if not os.path.isfile(os.path.join(ROOT, mutation.file)):
        yield f"there is no {mutation.file}"
        return
    count = read(mutation.file).count(mutation.old)
    if count != 1:
        yield f"{mutation.file} has the line to break {count} times, not once: {mutation.old.strip()}"


def rows_of_page(text):
    """{number: [what failed, what Millrace does, tests, line to break]}, each cell as it stands."""
    rows = {}
    for line in text.split("\n"):
        found = re.match(r"\| (\d+) \| (.*) \|$", line)
        if found:
            rows[int(found[1])] = found[2].split(" | ")
    return rows


NAMED = re.compile(r"`([A-Z]\w*\.\w+|test_\w+)` in `(//[\w/]+:\w+)`")
QUOTED = re.compile(r"`([\w/]+\.cc)`: `([^`]+)`")


def check_row(row, cells):
    if len(cells) != 4:
        yield f"has {len(cells) + 1} columns, not 5"
        return
    named = NAMED.findall(cells[2])
    if len(named) != cells[2].count(" in `//"):
        yield "names a test in a way that this script does not read"
    for test, label in named:
        yield from check_target(label, test)
    broken = [m for m in MUTATIONS if m.row == row]
    if not broken:
        yield "has no bug in tests/mutation_table.py"
    for mutation in broken:
        if (mutation.test, mutation.target) not in named:
            yield f"does not name {mutation.test} in {mutation.target}"
        if f"`{mutation.file}`" not in cells[3] or mutation.means not in cells[3]:
            yield f"does not say of {mutation.file}: {mutation.means}"
    for file, quote in QUOTED.findall(cells[3]):
        if not any(m.file == file and quote in m.old for m in broken):
            yield f"quotes of {file} what none of its bugs breaks: {quote}"


def check():
    complaints = []
    for mutation in MUTATIONS:
        complaints += [f"row {mutation.row}: {what}" for what in check_mutation(mutation)]
    rows = rows_of_page(read(PAGE))
    if list(rows) != list(ROWS):
        complaints.append(f"{PAGE}: its rows are {list(rows)}, not 1 to 30")
    for row, cells in rows.items():
        complaints += [f"{PAGE}: row {row} {what}" for what in check_row(row, cells)]
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


# ---- Bugs ----------------------------------------------------------------------------------------


def bazel(folder, *arguments):
    """Returns its exit code and what it printed. Its server ends soon after the copy."""
    done = subprocess.run(["bazel", "--max_idle_secs=60", *arguments], cwd=folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def run_tests(folder, *arguments):
    return bazel(folder, "test", "--config=asan", "--test_timeout=120", "--color=no",
                 "--curses=no", "--output_filter=NOTHING", *arguments)


def try_one(folder, mutation):
    """Puts the bug in, runs its test, takes it out. Returns the complaint, if there is one."""
    path = os.path.join(folder, mutation.file)
    before = read(mutation.file, folder)
    if before.count(mutation.old) != 1:
        return f"the line to break is not in {mutation.file} once"
    with open(path, "w", encoding="utf-8") as file:
        file.write(before.replace(mutation.old, mutation.new))
    code, said = run_tests(folder, "--test_filter=" + mutation.test, mutation.target)
    with open(path, "w", encoding="utf-8") as file:
        file.write(before)
    if code == TESTS_FAILED:
        return None
    if code == 0:
        return f"{mutation.test} PASSES in spite of it"
    return f"bazel ended with {code}, which says nothing of the test:\n{said[-3000:]}"


def try_all(folder, mutations):
    targets = sorted({mutation.target for mutation in mutations})
    code, said = run_tests(folder, *targets)
    if code != 0:
        print(f"without any bug, bazel test ended with {code}:\n{said[-3000:]}")
        return 1
    survivors = 0
    for mutation in mutations:
        complaint = try_one(folder, mutation)
        survivors += complaint is not None
        print("B%d, %s: %s" % (mutation.row, mutation.means,
                               complaint or "%s fails" % mutation.test), flush=True)
    print("%d noticed, %d not" % (len(mutations) - survivors, survivors))
    return 1 if survivors else 0


def row_number(text):
    return int(text[1:] if text[:1] in "Bb" else text)


def parse_flags():
    parser = argparse.ArgumentParser(prog="mutations.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="what there is to break")
    parser.add_argument("--check", action="store_true", help="build nothing, look at names only")
    parser.add_argument("rows", nargs="*", metavar="ROW", type=row_number)
    flags = parser.parse_args()
    unknown = [row for row in flags.rows if row not in ROWS]
    if unknown:
        parser.error(f"there is no row {unknown[0]}; there are 1 to {ROWS[-1]}")
    return flags


def main():
    flags = parse_flags()
    if flags.check:
        return check()
    mutations = [m for m in MUTATIONS if not flags.rows or m.row in flags.rows]
    if flags.list:
        for mutation in mutations:
            print("B%-3d %s: %s" % (mutation.row, mutation.file, mutation.means))
        return 0
    with tempfile.TemporaryDirectory(prefix="millrace-mutations-") as folder:
        copy_sources(folder)
        try:
            return try_all(folder, mutations)
        finally:
            bazel(folder, "clean", "--expunge")


if __name__ == "__main__":
    sys.exit(main())
