#!/usr/bin/env python3
"""Checks what neither the compiler nor Bazel can: forbidden includes, words, names and lengths.

    scripts/tidy.py [FILE...]        default: every source file of this repository

Prints one line a finding, `file:line: what; what to do instead`, and exits 1 if there is any.
System headers are visible to every Bazel target, so only a check of the text keeps Cap'n Proto out
of the two hearts (master/core and worker/engine). Rules are data: add to the tables below.
"""

import os
import re
import subprocess
import sys
from collections import namedtuple

Finding = namedtuple("Finding", "file line what")

# ---- What may be included where ------------------------------------------------------------------

# Headers of rpc/ that hold plain values and include neither KJ nor Cap'n Proto.
RPC_VALUES = ("rpc/ids.h", "rpc/task_types.h", "rpc/job_types.h", "rpc/job_views.h",
              "rpc/lineage_view.h",
              "rpc/recovery_entry.h", "rpc/profile.h", "rpc/skew.h", "rpc/system_counters.h")

# Folder -> what of our own its files may include, longest folder first. Composition roots
# (*_main.cc, client/) may link anything; tests may include everything.
MAY_INCLUDE = {
    "master/core": ("master/core/", "storage/", "mapreduce/") + RPC_VALUES,
    "worker/engine": ("worker/engine/", "storage/", "mapreduce/") + RPC_VALUES,
    "mapreduce": ("mapreduce/",),
    # What a record is, is promised to job authors and kept by the readers of files.
    "storage": ("storage/", "mapreduce/status_macros.h", "mapreduce/strings.h",
                "mapreduce/record_shape.h", "mapreduce/key_value.h") + RPC_VALUES,
    "rpc": ("rpc/", "storage/", "mapreduce/"),
    "master": ("master/", "rpc/", "storage/", "mapreduce/"),
    "worker": ("worker/", "rpc/", "storage/", "mapreduce/"),
    "client": ("client/", "master/", "worker/", "rpc/", "storage/", "mapreduce/"),
    "apps": ("apps/", "client/", "mapreduce/", "rpc/", "storage/"),
}
OWN_FOLDERS = ("apps/", "client/", "mapreduce/", "master/", "rpc/", "storage/", "tests/", "worker/")

# Folders (or single headers) that never see these system headers.
NO_KJ = ("mapreduce/", "storage/", "master/core/", "worker/engine/") + RPC_VALUES
NO_GLOG = ("mapreduce/", "master/core/", "rpc/ids.h", "rpc/task_types.h")
GLOG_DOOR = ("master/core/check.h", "master/core/check.cc")

# ---- Forbidden words -----------------------------------------------------------------------------

PURE = ("master/core/", "worker/engine/", "mapreduce/")
THREAD_OWNERS = ("rpc/io_thread.cc", "rpc/io_thread.h",
                 "worker/attempt_runner.cc", "worker/attempt_runner.h")


def everywhere(path):
    return True


def in_pure_code(path):
    return path.startswith(PURE)


def in_pure_code_or_tests(path):
    return in_pure_code(path) or path.endswith("_test.cc")


def outside_thread_owners(path):
    return path not in THREAD_OWNERS and not path.startswith("tests/bench/")


def outside_flag_owners(path):
    return not (path.endswith(("_main.cc", "_bench.cc"))
                or path.startswith(("client/", "apps/", "tests/")))


Word = namedtuple("Word", "pattern where what")

WORDS = [
    Word(r"\babsl::Now\b", in_pure_code, "absl::Now; take the time as an argument"),
    Word(r"\bchrono::\w*clock\b", in_pure_code,
         "a std::chrono clock; take the time as an argument"),
    Word(r"\b(?:clock_gettime|gettimeofday)\b|\btime\((?:NULL|nullptr|0)\)", in_pure_code,
         "reads a clock; take the time as an argument"),
    Word(r"\b(?:std::)?s?rand\(|\brandom_device\b", in_pure_code,
         "unseeded randomness; take a seeded generator as an argument"),
    Word(r"\b(?:sleep|usleep|nanosleep|sleep_for|sleep_until|SleepFor)\(", in_pure_code_or_tests,
         "sleeps; wait for the event itself, or move a timer by hand"),
    Word(r"\busing\s+namespace\b", everywhere, "using namespace; name what is used"),
    Word(r"\[=[\],]", everywhere, "captures by [=]; name what is captured"),
    Word(r"\bco_(?:await|return|yield)\b", everywhere, "a coroutine; KJ 0.9 uses .then"),
    Word(r"\bKJ_(?:LOG|DBG)\b", everywhere, "KJ's log macro; write LOG, so that one log has all"),
    Word(r"#include\s*<kj/test\.h>", everywhere, "kj/test.h; tests use GoogleTest"),
    Word(r"\bstd::(?:thread|jthread|async)\b", outside_thread_owners,
         "a thread; blocking work belongs to rpc/io_thread, user code to worker/attempt_runner"),
    Word(r"\bDEFINE_(?:string|bool|u?int32|u?int64|double)\(|#include\s*<gflags/",
         outside_flag_owners, "reads flags; take an Options struct filled in *_main.cc"),
]

# `new` is naked unless the same statement hands it to an owner or it is placement new.
NAKED_NEW = re.compile(r"\bnew\s+[A-Za-z_:]")
OWNER_OF_NEW = re.compile(r"WrapUnique\(|unique_ptr<|\breset\(|\boperator\s+new\b|kj::Own<")

# Functions of GoogleTest whose arguments are values without names.
VALUES = ("Values", "Pair", "Eq", "Ne", "Return", "Field", "Property", "ElementsAre")

BANNED_STEM = re.compile(r"(?:^|_)(?:utils?|common|helpers?|misc)$")
TODO = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
GOOD_TODO = re.compile(r"\bTODO\([a-z_ -]+\): \S")

MAX_COLUMNS = 100
MAX_FUNCTION = 70
MAX_LINES = {"_test.cc": 700, ".cc": 500, ".h": 250}  # the first suffix that fits counts
GENERATED = re.compile(r"\b[Gg]enerated by\b")


def without_comments_and_strings(text):
    """Blanks comments, strings and character literals, keeping every line and column.

    A comment leaves a \x01 behind, so that `/*name=*/true` can be told from `true`.
    """
    token = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
        r'|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Za-z])\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)

    def blank(match):
        found = match.group(0)
        spaces = re.sub(r"[^\n]", " ", found)
        return "\x01" + spaces[1:] if found.startswith("/") else '"' + spaces[1:]

    return token.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


# ---- The checks: each takes path, text and blanked text, and yields (line, what) -----------------


def check_name(path, text, code):
    stem = os.path.splitext(os.path.basename(path))[0]
    if BANNED_STEM.search(stem):
        yield 1, f"file name '{stem}' says nothing; name it after what it holds"


def check_length(path, text, code):
    lines = text.count("\n")
    for suffix, most in MAX_LINES.items():
        if path.endswith(suffix):
            if lines > most and not GENERATED.search(text):
                yield most + 1, f"{lines} lines, at most {most}; split it by reason to change"
            return


def check_columns(path, text, code):
    if GENERATED.search(text):
        return
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_COLUMNS and not re.search(r"#include|https?://", line):
            yield number, f"{len(line)} columns, at most {MAX_COLUMNS}; break the line"


def check_header(path, text, code):
    if not path.endswith(".h"):
        return
    if not text.startswith("//"):
        yield 1, "no opening comment; say what this is, what it promises, and its thread rule"
    guard = "MILLRACE_" + re.sub(r"[^A-Za-z0-9]", "_", path).upper() + "_"
    if f"#ifndef {guard}\n" not in text:
        yield 1, f"no header guard {guard}; add it"


def may_include(path, header):
    """Whether the file may include this header of ours."""
    if path.endswith(("_main.cc", "_test.cc")) or path.startswith("tests/"):
        return True
    for folder, allowed in MAY_INCLUDE.items():
        if path.startswith(folder + "/"):
            return header.startswith(allowed)
    return True


def check_includes(path, text, code):
    for match in re.finditer(r'^#include\s+([<"])([^>"]+)[>"]', text, re.MULTILINE):
        bracket, header = match.groups()
        line = line_of(text, match.start())
        if header.startswith(OWN_FOLDERS):
            if bracket == "<":
                yield line, f"<{header}>; our own headers take quotes"
            schema = header.endswith(".capnp.h")
            if not may_include(path, header) or (schema and path.startswith(NO_KJ)):
                yield line, f"includes {header}; this folder must not know it (ARCHITECTURE.md)"
        elif header.startswith(("kj/", "capnp/")) and path.startswith(NO_KJ):
            yield line, f"includes {header}; promises and Cap'n Proto stay in rpc/ and the shells"
        elif header.startswith("glog/") and path.startswith(NO_GLOG) and path not in GLOG_DOOR:
            yield line, f"includes {header}; this code does not log, it returns what to say"
        elif header.startswith("absl/") and path.startswith("mapreduce/"):
            if not header.startswith(("absl/status/", "absl/strings/")):
                yield line, f"includes {header}; the promise to job authors needs absl/status only"


def check_words(path, text, code):
    for word in WORDS:
        if word.where(path):
            for match in re.finditer(word.pattern, code):
                yield line_of(code, match.start()), word.what
    for match in NAKED_NEW.finditer(code):
        begin = max(code.rfind(mark, 0, match.start()) for mark in ";{}")
        if not OWNER_OF_NEW.search(code[begin + 1:match.end()]):
            yield (line_of(code, match.start()),
                   "naked new; use std::make_unique, kj::heap or absl::WrapUnique")


def check_method_names(path, text, code):
    """A class may be called Process; a method may not."""
    for match in re.finditer(r"\b(Process|Handle|DoIt|Util)\(", code):
        if not re.search(r"\b(?:class|struct)\s+(?:\w+::)*" + match.group(1) + r"\b", code):
            yield (line_of(code, match.start()),
                   f"the name {match.group(1)} says nothing; name what is done to what")


def check_todos(path, text, code):
    for match in TODO.finditer(text):
        if not GOOD_TODO.match(text, match.start()):
            yield line_of(text, match.start()), "a TODO without kind or reason; TODO(kind): why"


def check_hash_iteration(path, text, code):
    """No `for (x : map)` in the core over anything that this file declares as a hash map."""
    if not path.startswith("master/core/") or path.endswith("_test.cc"):
        return
    for match in re.finditer(r"\b(?:flat|node)_hash_(?:map|set)<|\bunordered_(?:map|set)<", code):
        name = re.match(r"[^;{}]*?>\s*(\w+)\s*[;{=]", code[match.start():])
        over_it = r"\bfor\s*\([^;)]*:\s*(?:\w+(?:\.|->))*{}\s*\)"
        loop = name and re.search(over_it.format(name.group(1)), code)
        if loop:
            yield (line_of(code, loop.start()),
                   f"iterates over hash map {name.group(1)}, whose order differs from run to run; "
                   "use absl::btree_map or a vector")


def check_boolean_arguments(path, text, code):
    """A literal true or false among the arguments of one of our functions needs /*name=*/."""
    calls = []
    for match in re.finditer(r"[()]|[^()]+", code):
        piece = match.group(0)
        if piece == "(":
            left = code[max(0, match.start() - 80):match.start()]
            before = re.search(r"([A-Za-z_]\w*)\s*$", left)
            calls.append(before.group(1) if before else "")
        elif piece == ")":
            if calls:
                calls.pop()
        elif calls and re.match(r"[A-Z][a-z]\w*$", calls[-1]) and calls[-1] not in VALUES:
            for literal in re.finditer(r"(?:^|,)(\s*)(?:true|false)\s*(?=,|$)", piece):
                yield (line_of(code, match.start() + literal.end(1)),
                       f"a bare boolean among the arguments of {calls[-1]}; write /*name=*/ "
                       "before it")


def functions(code):
    """Yields (first line, last line) of each function body at namespace or class level."""
    code = re.sub(r"^[ \t]*#.*(?:\\\n.*)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), code,
                  flags=re.MULTILINE)
    scopes = []  # (kind, position where the declaration begins)
    begin = 0
    parentheses = 0
    for match in re.finditer(r"[(){};]", code):
        mark, position = match.group(0), match.start()
        if mark in "()":
            parentheses += 1 if mark == "(" else -1
        elif mark == "{":
            head = re.sub(r"\x01|\b(?:public|private|protected)\s*:",
                          lambda found: " " * len(found.group(0)), code[begin:position])
            outer = all(kind == "scope" for kind, _ in scopes)
            if re.search(r"\bnamespace\b|\bextern\s*\"", head):
                kind = "scope"
            elif re.search(r"^\s*(?:template\s*<[^{}]*>\s*)?(?:typedef\s+)?"
                           r"(?:class|struct|union|enum)\b[^()]*$", head):
                kind = "scope"
            elif outer and "(" in head and parentheses == 0:
                kind = "function"
            else:
                kind = "block"
            scopes.append((kind, begin + len(head) - len(head.lstrip())))
            if kind == "scope":
                begin = position + 1
        elif mark == "}":
            if scopes:
                kind, start = scopes.pop()
                if kind == "function":
                    yield line_of(code, start), line_of(code, position)
                if all(other == "scope" for other, _ in scopes):
                    begin = position + 1
        elif parentheses == 0 and all(kind == "scope" for kind, _ in scopes):
            begin = position + 1


def check_function_length(path, text, code):
    for first, last in functions(code):
        if last - first + 1 > MAX_FUNCTION:
            yield first, (f"a function of {last - first + 1} lines, at most {MAX_FUNCTION}; "
                          "give its steps names")


CHECKS = [check_name, check_length, check_columns, check_header, check_includes, check_words,
          check_method_names, check_todos, check_hash_iteration, check_boolean_arguments,
          check_function_length]


def check_file(path, text):
    """Returns the findings of one file, in line order. `path` is relative to the root."""
    code = without_comments_and_strings(text)
    return sorted({Finding(path, line, what)
                   for check in CHECKS for line, what in check(path, text, code)})


def source_files(root):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.h", "*.cc"],
        cwd=root, capture_output=True, text=True, check=True).stdout.split("\n")
    return sorted({path for path in listed if path and os.path.exists(os.path.join(root, path))})


def main(arguments):
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    paths = [os.path.relpath(path, root) for path in arguments] or source_files(root)
    count = 0
    for path in paths:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            for finding in check_file(path, file.read()):
                print(f"{finding.file}:{finding.line}: {finding.what}")
                count += 1
    print(f"tidy: {len(paths)} files, {count} findings", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
