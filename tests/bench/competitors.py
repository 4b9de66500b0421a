"""How to do what the jobs do with other programs.

Each function takes a Work and returns the command that reads work.input and writes the answer into
files in the folder work.output, which is there. A command gets as many processes or threads as
Millrace gets workers, where the program can use them.
"""

import os
import shutil
import subprocess
from collections import namedtuple

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DEBIAN_PYTHON = "/usr/bin/python3"  # which has Debian's modules, unlike others that may come first

# `input` is a file, or a folder of files; `node` the folder with node_modules; all absolute.
Work = namedtuple("Work", "input output scratch workers node programs")

PATTERN = r"(spin|read|write)_lock_irq(save)?\("


def beside(name):
    return os.path.join(HERE, name)


def answer(work):
    return os.path.join(work.output, "answer")


def files(folder):
    return sorted(os.path.join(folder, name) for name in os.listdir(folder))


def shell(script, *arguments):
    """`script` sees the arguments as $0, $1, ..."""
    return ["sh", "-c", "set -eu; " + script, *arguments]


# ---- Millrace ----


def millrace(job, *flags):
    def command(work):
        return [f"{work.programs}/apps/{job}/{job}", f"--input={work.input}",
                f"--output={work.output}", f"--workers={work.workers}",
                f"--scratch_dir={work.scratch}", "--progress=none", *flags]
    return command


# ---- The floor ----


def floor(program, *flags):
    """For programs that take one file."""
    def command(work):
        return [f"{work.programs}/tests/bench/floor/floor_{program}", work.input, work.output,
                work.scratch, f"--procs={work.workers}", *flags]
    return command


def floor_inverted_index(work):
    return [f"{work.programs}/tests/bench/floor/floor_inverted_index", work.output, work.scratch,
            f"--procs={work.workers}", *files(work.input)]


def floor_grep(work):
    return [f"{work.programs}/tests/bench/floor/floor_grep", PATTERN, work.output,
            f"--procs={work.workers}", *files(work.input)]


# ---- Others ----


def duckdb(query, pattern=""):
    """`pattern` says which files of an input folder, as /*."""
    def command(work):
        return ["env", f"NODE_PATH={work.node}/node_modules", "node", beside("duckdb_queries.cjs"),
                query, work.input + pattern, answer(work), str(work.workers)]
    return command


def polars(work):
    return ["env", f"NODE_PATH={work.node}/node_modules", f"POLARS_MAX_THREADS={work.workers}",
            "node", beside("polars_wordcount.cjs"), work.input, answer(work)]


def dask(work):
    return [DEBIAN_PYTHON, beside("dask_wordcount.py"), work.input, answer(work),
            str(work.workers)]


def python(work):
    return ["python3", beside("python_wordcount.py"), work.input, answer(work)]


def mawk(work):
    return shell('mawk -f "$0" "$1" >"$2"', beside("wordcount.awk"), work.input, answer(work))


def mawk_small_files(work):
    return shell('find "$1" -type f -print0 | xargs -0 cat | mawk -f "$0" >"$2"',
                 beside("wordcount.awk"), work.input, answer(work))


def two_mawks(work):
    return [beside("two_mawks.sh"), work.input, answer(work), work.scratch, str(work.workers)]


def gnu_parallel(work):
    """A mawk for each piece, then one that adds up."""
    return shell('parallel --will-cite --pipepart -a "$2" --block -1 -j "$4" mawk -f "$0" |'
                 ' mawk -f "$1" >"$3"', beside("wordcount.awk"), beside("sum_counts.awk"),
                 work.input, answer(work), str(work.workers))


def sort_uniq(work):
    return shell('mkdir -p "$2"; tr -s "\\t " "\\n" <"$0" |'
                 ' LC_ALL=C sort --parallel="$3" --buffer-size=4G --temporary-directory="$2" |'
                 ' uniq -c | mawk \'NF == 2 { print $2 "\\t" $1 }\' >"$1"',
                 work.input, answer(work), work.scratch, str(work.workers))


def gnu_sort(work):
    """Compares whole lines, which is faster than a part of them: all keys are different."""
    return shell('mkdir -p "$2"; LC_ALL=C sort --parallel="$3" --buffer-size=4G'
                 ' --temporary-directory="$2" --output="$1" "$0"',
                 work.input, answer(work), work.scratch, str(work.workers))


def ripgrep(work):
    return shell('rg -j "$0" -H -n "$1" "$2" >"$3"', str(work.workers), PATTERN, work.input,
                 answer(work))


# ---- Which of them are there ----

NODE_MODULES = {
    "DuckDB": ("@duckdb/node-api",),
    # npm leaves out the binary where the package asks for a newer Node.js than is needed.
    "Polars": ("nodejs-polars", "nodejs-polars-linux-x64-gnu"),
}
PROGRAMS = {"mawk": "mawk", "two mawks": "mawk", "GNU parallel": "parallel", "ripgrep": "rg",
            "tr, sort, uniq": "sort", "GNU sort": "sort", "Python": "python3"}


def node_modules_missing(name, node):
    return [module for module in NODE_MODULES[name]
            if not os.path.isdir(os.path.join(node, "node_modules", module))]


def install(name, node):
    """Installs what npm has of it into the folder `node`; returns why it cannot run, or None."""
    if name in NODE_MODULES:
        if node_modules_missing(name, node) and shutil.which("npm"):
            subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix",
                            node, *NODE_MODULES[name]], check=False)
        missing = node_modules_missing(name, node)
        return f"no {', '.join(missing)} from npm" if missing else None
    if name == "Dask":
        found = subprocess.run([DEBIAN_PYTHON, "-c", "import dask.bag"], check=False,
                               stderr=subprocess.DEVNULL)
        return "no python3-dask" if found.returncode != 0 else None
    program = PROGRAMS.get(name)
    return f"no {program}" if program and not shutil.which(program) else None
