#!/usr/bin/env python3
"""Shows that the tests named in docs/known_failures.md hold what they are there for: puts one bug
at a time into a copy of the sources and expects the test to fail.

    tests/mutations.py              all of them, minutes
    tests/mutations.py ROW...       those of these rows, as 7, B7, 7-12 or 7- (and all that follow)
    tests/mutations.py --folder=DIR [ROW...]
                                    keeps the copy, and what was built of it, for the next call
    tests/mutations.py --list
    tests/mutations.py --check      builds nothing: every line to break and every test is there, and
                                    the page and the table (tests/mutation_table.py) agree

Prints one line a bug; exit 1 if a test passes in spite of its bug, or what should be there is not.
The copy lies in a folder of its own; the checkout is not touched.

Fast because all bugs share one copy and one Bazel server, and each rebuilds only what its test
needs: Bazel builds, always with the same flags, since another --test_filter would make it analyse
everything again, and the test is run without it. What is put right again comes from a disk cache.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tests"), os.path.join(ROOT, "tests/sim")]
from deliberate_bugs import copy_sources  # noqa: E402
from mutation_table import MUTATIONS  # noqa: E402

PAGE = "docs/known_failures.md"
ROWS = range(1, 31)
BUILD_S, TEST_S = 900, 60  # at most, for one bug
TOO_LATE = 124  # exit code of timeout(1)


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


def limited(seconds, *command, **options):
    """Runs it for so long at most. Returns its exit code, and what it printed."""
    done = subprocess.run(["timeout", "--signal=INT", "--kill-after=20", str(seconds), *command],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    return done.returncode, done.stdout


def bazel(folder, *arguments):
    """Its server ends soon after the last call."""
    return limited(BUILD_S, "bazel", "--max_idle_secs=60", *arguments, cwd=folder)


def build(folder, *targets):
    """Returns a complaint, or None."""
    code, said = bazel(folder, "build", "--config=asan", "--color=no", "--curses=no",
                       "--output_filter=NOTHING", *targets)
    if code == 0:
        return None
    why = f"took more than {BUILD_S} s" if code == TOO_LATE else f"ended with {code}"
    return f"bazel build {why}, which says nothing of the test:\n{said[-3000:]}"


def run_tests(folder, target, tests):
    """Runs these tests of a target that is built; returns exit code and what was printed."""
    binary = os.path.join(folder, "bazel-bin", file_of(target))
    with tempfile.TemporaryDirectory(prefix="millrace-bug-") as scratch:
        environment = dict(os.environ, TEST_TMPDIR=scratch, ASAN_OPTIONS="detect_leaks=1")
        return limited(TEST_S, binary, "--gtest_filter=" + ":".join(tests), env=environment,
                       cwd=os.path.join(binary + ".runfiles", "millrace"))


def verdict(test, code, said):
    """Returns what speaks against a test that ended like this with its bug; None if it failed."""
    if f"[ RUN      ] {test}" not in said:
        return f"{test} was not run (exit code {code}):\n{said[-3000:]}"
    if code == 0:
        return f"{test} PASSES in spite of it"
    return None


def try_one(folder, mutation):
    """Puts the bug in, runs its test, takes it out. Returns the complaint, if there is one."""
    path = os.path.join(folder, mutation.file)
    before = read(mutation.file, folder)
    if before.count(mutation.old) != 1:
        return f"the line to break is not in {mutation.file} once"
    with open(path, "w", encoding="utf-8") as file:
        file.write(before.replace(mutation.old, mutation.new))
    try:
        return build(folder, mutation.target) or verdict(
            mutation.test, *run_tests(folder, mutation.target, [mutation.test]))
    finally:
        with open(path, "w", encoding="utf-8") as file:
            file.write(before)


def try_none(folder, mutations):
    """Builds everything, and runs the tests without any bug. Returns a complaint, or None."""
    tests = {}
    for mutation in mutations:
        tests.setdefault(mutation.target, set()).add(mutation.test)
    complaint = build(folder, *sorted(tests))
    if complaint:
        return complaint
    for target, names in sorted(tests.items()):
        code, said = run_tests(folder, target, sorted(names))
        if code != 0:
            return f"{target} ended with {code}:\n{said[-3000:]}"
    return None


def try_all(folder, mutations):
    complaint = try_none(folder, mutations)
    if complaint:
        print(f"without any bug: {complaint}")
        return 1
    survivors = 0
    for mutation in mutations:
        began = time.monotonic()
        complaint = try_one(folder, mutation)
        survivors += complaint is not None
        print("B%d, %s: %s (%d s)" % (mutation.row, mutation.means,
                                      complaint or "%s fails" % mutation.test,
                                      time.monotonic() - began), flush=True)
    print("%d noticed, %d not" % (len(mutations) - survivors, survivors))
    return 1 if survivors else 0


def copy_to(folder):
    copy_sources(folder)
    # First, so that a cache that somebody has set wins.
    local = ".bazelrc.local"
    settings = read(local) if os.path.exists(os.path.join(ROOT, local)) else ""
    with open(os.path.join(folder, local), "w", encoding="utf-8") as file:
        file.write(f"build --disk_cache={folder}/.built\n{settings}")


def row_range(text):
    """"7" or "B7" -> 7; "7-12" -> 7 to 12; "7-" -> 7 and all that follow."""
    found = re.fullmatch(r"[Bb]?(\d+)(-[Bb]?(\d*))?", text)
    if not found:
        raise argparse.ArgumentTypeError(f"'{text}' is no row; it is one as 7, B7, 7-12 or 7-")
    first = int(found[1])
    last = int(found[3] or ROWS[-1]) if found[2] else first
    if first not in ROWS or last not in ROWS or last < first:
        raise argparse.ArgumentTypeError(f"there is no row {text}; there are 1 to {ROWS[-1]}")
    return range(first, last + 1)


def parse_flags():
    parser = argparse.ArgumentParser(prog="mutations.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="what there is to break")
    parser.add_argument("--check", action="store_true", help="build nothing, look at names only")
    parser.add_argument("--folder", type=os.path.abspath, help="for the copy, which stays there")
    parser.add_argument("rows", nargs="*", metavar="ROW", type=row_range)
    return parser.parse_args()


def main():
    flags = parse_flags()
    if flags.check:
        return check()
    mutations = [m for m in MUTATIONS
                 if not flags.rows or any(m.row in rows for rows in flags.rows)]
    if flags.list:
        for mutation in mutations:
            print("B%-3d %s: %s" % (mutation.row, mutation.file, mutation.means))
        return 0
    if flags.folder:
        copy_to(flags.folder)
        return try_all(flags.folder, mutations)
    with tempfile.TemporaryDirectory(prefix="millrace-mutations-") as folder:
        copy_to(folder)
        try:
            return try_all(folder, mutations)
        finally:
            bazel(folder, "clean", "--expunge")


if __name__ == "__main__":
    sys.exit(main())
