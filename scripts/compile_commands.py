#!/usr/bin/env python3
"""Writes compile_commands.json, for clang-tidy and for editors.

    scripts/compile_commands.py FILE            asks Bazel how it compiles each file
    scripts/compile_commands.py --known FOLDER  passes on those file names of standard input that
                                                FOLDER/compile_commands.json knows
"""

import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What g++ understands and clang does not.
ONLY_GCC = ("-fno-canonical-system-headers", "-Wunused-but-set-parameter",
            "-Wno-free-nonheap-object")


def bazel(*arguments):
    done = subprocess.run(["bazel", *arguments], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    # With --keep_going, targets that are broken cost the exit code but not the others' answer.
    if not done.stdout:
        sys.exit(f"compile_commands: bazel {arguments[0]} failed:\n{done.stderr}")
    return done.stdout


def source_of(arguments):
    return arguments[arguments.index("-c") + 1] if "-c" in arguments else None


def commands():
    """Returns one entry a source file of ours; the first of several actions wins.

    Sources are named where they lie, generated headers where Bazel puts them: the folder that Bazel
    compiles in shows only what its last build needed.
    """
    generated = os.path.join(bazel("info", "execution_root").strip(), "bazel-out/")
    actions = json.loads(bazel("aquery", "--keep_going", "--output=jsonproto",
                               "--include_artifacts=false",
                               'mnemonic("CppCompile", //...)')).get("actions", [])
    entries = {}
    for action in actions:
        source = source_of(action["arguments"])
        if source and not source.startswith(("bazel-out/", "external/")):
            arguments = [re.sub("^bazel-out/", generated, word) for word in action["arguments"]
                         if word not in ONLY_GCC]
            entries.setdefault(source, {"directory": ROOT, "arguments": arguments, "file": source})
    return list(entries.values())


def main():
    if len(sys.argv) == 2:
        with open(sys.argv[1], "w", encoding="utf-8") as file:
            json.dump(commands(), file, indent=1)
    elif len(sys.argv) == 3 and sys.argv[1] == "--known":
        path = os.path.join(sys.argv[2], "compile_commands.json")
        with open(path, encoding="utf-8") as file:
            known = {entry["file"]: entry for entry in json.load(file)}
        for line in sys.stdin:
            if line.strip() in known:
                print(os.path.join(known[line.strip()]["directory"], line.strip()))
    else:
        sys.exit("usage: scripts/compile_commands.py FILE | --known FOLDER")


if __name__ == "__main__":
    main()
